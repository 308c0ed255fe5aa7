/** Creation: data file reserved, record durable, then the answer. @module */
import { closeSync, openSync, rmSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { FirstContent, NewUpload } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import type { RecordFields } from '../upload-record.ts'
import { advance, checkComplete, checkEnd, stateOf } from './append-end.ts'
import { type LockedUpload, recordOffset } from './finalize.ts'
import { type Io, type Operation, syncData } from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'
import { writeRecord } from './record-file.ts'
import { reserve } from './reserve.ts'
import { toStoredUpload } from './stored-upload.ts'
import { writeAll } from './write-pieces.ts'

export interface CreateArgs {
  readonly upload: NewUpload
  readonly first?: FirstContent | undefined
}

/** Creates an upload; with all bytes of its first request it is one step more, and no record between. */
export function* create(io: Io, { upload, first }: CreateArgs): Operation<StoredUpload> {
  const { id, length } = upload
  const path = dataPath(io.directory, id)
  const fd = openNew(path)
  try {
    // Whoever finds the file before its record must see that it is being made.
    io.posix.tryLock(fd)
    // A final upload gets the blocks of its parts, or room when it is put together.
    if (length && !upload.notes?.concat?.parts) reserve(io, fd, length)
    const record = newRecord(upload)
    const stored = first
      ? yield* receiveFirst(io, { id, fd, record }, first)
      : yield* writeRecord(io, io.directory, recordPath(io.directory, id), record)
    return toStoredUpload(id, stored, stateOf(stored))
  } catch (error) {
    rmSync(recordPath(io.directory, id), { force: true })
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

function* receiveFirst(
  io: Io,
  { id, fd, record }: LockedUpload,
  { pieces, completedDir, maxSize, complete }: FirstContent,
): Operation<RecordFields> {
  const end = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  checkEnd(record, end, maxSize)
  if (complete) checkComplete(record, end)
  writeAll(fd, pieces, 0)
  yield* syncData(io, fd)
  const received = advance(record, end)
  const completion = { completedDir, seal: false, ...(complete !== undefined && { complete }) }
  return yield* recordOffset(io, { id, fd, record: received }, completion)
}

function openNew(path: string): number {
  try {
    return openSync(path, 'wx+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new UploadError('ERR_UPLOAD_EXISTS', 'an upload with this id exists')
  }
}

function newRecord(upload: NewUpload): RecordFields {
  const now = Date.now() / 1000
  return {
    length: upload.length,
    offset: 0,
    metadata: upload.metadata,
    serverMetadata: upload.serverMetadata,
    createdAt: now,
    lastWrite: now,
    finishedAt: null,
    durationMs: null,
    complete: upload.complete ?? upload.length === 0,
    uploadMetadata: upload.uploadMetadata,
    epoch: 0,
    attempts: 0,
    notBeforeMs: null,
    ended: null,
    notes: upload.notes ?? {},
  }
}

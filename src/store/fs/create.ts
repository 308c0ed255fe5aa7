/** Creation: data file reserved or filled, record durable, then the answer. @module */
import { closeSync, openSync, rmSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { FirstContent, NewUpload } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import type { RecordFields } from '../upload-record.ts'
import { advance, checkComplete, checkEnd, stateOf } from './append-end.ts'
import { type LockedUpload, recordOffset } from './finalize.ts'
import { BUSY, type Busy, dataOf, type Io, isBusy, type Operation } from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'
import { claimQuota, type QuotaGrant, releaseQuota, settleQuota } from './quota.ts'
import { writeRecord } from './record-file.ts'
import { checkSpace, reserve } from './reserve.ts'
import { toStoredUpload } from './stored-upload.ts'
import { byteLength, writeAll } from './write-pieces.ts'

export interface CreateArgs {
  readonly upload: NewUpload
  readonly first?: FirstContent | undefined
}

/** Creates an upload; with all bytes of its first request it is one step more, and no record between. */
export function* create(io: Io, { upload, first }: CreateArgs): Operation<StoredUpload | Busy> {
  const { id, length } = upload
  const path = dataPath(io.directory, id)
  const opened = openWithin(io, { upload, first })
  if (isBusy(opened)) return opened
  const { fd, grant } = opened
  const record = newRecord(upload)
  try {
    // A final upload gets the blocks of its parts, or room when it is put together.
    if (length && !upload.notes?.concat?.parts) {
      // All bytes that are here take their space themselves.
      if (length === byteLength(first?.pieces ?? NO_PIECES)) checkSpace(io, length)
      else reserve(io, { fd, size: 0 }, length)
    }
    if (grant) yield* settleQuota(io, grant)
    const stored = first
      ? yield* receiveFirst(io, { id, fd, record }, first)
      : yield* writeRecord(io, io.directory, recordPath(io.directory, id), { record })
    return toStoredUpload(id, stored, stateOf(stored))
  } catch (error) {
    rmSync(recordPath(io.directory, id), { force: true })
    rmSync(path, { force: true })
    releaseQuota(io, id, record)
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
  const end = byteLength(pieces)
  checkEnd(record, end, maxSize)
  if (complete) checkComplete(record, end)
  writeAll(fd, pieces, 0)
  const received = advance(record, end)
  const completion = { completedDir, seal: false, ...(complete !== undefined && { complete }) }
  const advancing = { id, fd, record: received, first: [dataOf(fd)], isNew: true }
  return yield* recordOffset(io, advancing, completion)
}

const NO_PIECES: readonly Uint8Array[] = []

interface Opened {
  readonly fd: number
  readonly grant?: QuotaGrant
}

/** Makes the data file, within the quota of its owner where there is one. */
function openWithin(io: Io, { upload, first }: CreateArgs): Opened | Busy {
  const { id, notes, quota: limit, length, reserved } = upload
  const path = dataPath(io.directory, id)
  const bytes = reserved ?? length ?? byteLength(first?.pieces ?? NO_PIECES)
  if (limit === undefined || bytes === 0) return { fd: openNew(io, path) }
  let fd: number | undefined
  try {
    const claim = { id, owner: notes?.owner ?? '', bytes, limit }
    const grant = claimQuota(io, claim, () => {
      fd = openNew(io, path)
    })
    return fd === undefined || isBusy(grant) ? BUSY : { fd, grant }
  } catch (error) {
    if (fd !== undefined) {
      rmSync(path, { force: true })
      closeSync(fd)
    }
    throw error
  }
}

/** Whoever finds the file before its record must see that it is being made. */
function openNew(io: Io, path: string): number {
  try {
    const fd = openSync(path, 'wx+')
    io.posix.tryLock(fd)
    return fd
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

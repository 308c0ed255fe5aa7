/** Creation: data file reserved, record durable, then the answer. @module */
import { closeSync, fstatSync, openSync, rmSync, statfsSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { NewUpload } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import type { RecordFields } from '../upload-record.ts'
import type { Io, Operation } from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'
import { writeRecord } from './record-file.ts'
import { toStoredUpload } from './stored-upload.ts'

export function* create(io: Io, { upload }: { upload: NewUpload }): Operation<StoredUpload> {
  const path = dataPath(io.directory, upload.id)
  const fd = openNew(path)
  try {
    // Whoever finds the file before its record must see that it is being made.
    io.posix.tryLock(fd)
    if (upload.length) reserve(io, fd, upload.length)
    const record = newRecord(upload)
    yield* writeRecord(io, io.directory, recordPath(io.directory, upload.id), record)
    return toStoredUpload(upload.id, record)
  } catch (error) {
    rmSync(recordPath(io.directory, upload.id), { force: true })
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

export function freeSpace(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

function openNew(path: string): number {
  try {
    return openSync(path, 'wx+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new UploadError('ERR_UPLOAD_EXISTS', 'an upload with this id exists')
  }
}

/** Looks first, for a file system that cannot reserve only makes the file long. */
export function reserve(io: Io, fd: number, length: number): void {
  const free = freeSpace(io.directory)
  if (free < length - fstatSync(fd).size) {
    throw new UploadError(
      'ERR_INSUFFICIENT_STORAGE',
      `${length} bytes are wanted, ${free} are free`,
    )
  }
  io.posix.allocate(fd, length)
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
    complete: upload.length === 0,
    uploadMetadata: upload.uploadMetadata,
    epoch: 0,
    attempts: 0,
    notBeforeMs: null,
    ended: null,
    notes: upload.notes ?? {},
  }
}

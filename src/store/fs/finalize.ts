/**
 * Finalizing is enqueueing. The record becomes durable in the completed directory first; the
 * rename of the data file is the commit; what a crash leaves between the two is repaired by doing
 * it again.
 *
 * @module
 */
import { closeSync, existsSync, fstatSync, renameSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import { isForQueue, isPartial, type UploadNotes } from '../upload-notes.ts'
import { formatRecord, type RecordFields } from '../upload-record.ts'
import {
  type Barrier,
  BUSY,
  type Busy,
  dataOf,
  type Io,
  isBusy,
  lockFile,
  type Operation,
  syncDirectory,
} from './io-call.ts'
import { dataPath, recordPath, tombstonePath } from './layout.ts'
import { releaseQuota } from './quota.ts'
import { checkSize, readRecord, removeFile, replaceFile, writeRecord } from './record-file.ts'

/** A step of an upload whose data file the caller has open and locked. */
export interface LockedUpload {
  readonly id: string
  readonly fd: number
  readonly record: RecordFields
}

/** Finalizes a sealed upload by id. Idempotent. */
export function* finalize(
  io: Io,
  { id, completedDir, notes }: { id: string; completedDir: string; notes: UploadNotes },
): Operation<boolean | Busy> {
  const fd = lockFile(io, dataPath(io.directory, id))
  if (isBusy(fd)) return BUSY
  if (fd === undefined) {
    const done = [dataPath(completedDir, id), tombstonePath(completedDir, id)]
    if (!done.some((path) => existsSync(path))) throw notFound()
    return false
  }
  try {
    const found = readRecord(recordPath(io.directory, id))
    if (found === undefined) throw notFound()
    const record = { ...found, notes: { ...found.notes, ...notes } }
    if (!record.complete || !isForQueue(record.notes)) {
      throw new UploadError('ERR_MISMATCHED_OFFSET', 'the upload is not one for the queue', {
        offset: record.offset,
      })
    }
    checkSize(fstatSync(fd).size, record)
    // Whoever sealed it may have died before its last sync.
    yield* finalizeLocked(io, { id, fd, record, first: [dataOf(fd)], isNew: false }, completedDir)
    return true
  } finally {
    closeSync(fd)
  }
}

/** One whose record is to be written. */
export interface Advancing extends LockedUpload {
  /** Of its data, to be durable before the record is seen. */
  readonly first: readonly Barrier[]
  /** There is no record of it so far. */
  readonly isNew: boolean
}

/**
 * Moves an upload whose data is complete. When that fails, and its data is durable, the upload is
 * sealed where it is, so that nobody has to send it again, and the failure is thrown.
 */
function* finalizeLocked(
  io: Io,
  { id, record, first, isNew }: Advancing,
  completedDir: string,
): Operation<RecordFields> {
  const now = Date.now()
  const sealed: RecordFields = { ...record, complete: true }
  const finished: RecordFields = {
    ...sealed,
    finishedAt: new Date(now),
    durationMs: Math.max(0, now - record.createdAt * 1000),
  }
  const completedRecord = recordPath(completedDir, id)
  try {
    yield* writeRecord(io, completedDir, completedRecord, { record: finished, first })
    renameSync(dataPath(io.directory, id), dataPath(completedDir, id))
  } catch (error) {
    removeFile(completedRecord)
    // Where `first` has failed this fails as well.
    yield* writeRecord(io, io.directory, recordPath(io.directory, id), { record: sealed, first })
    throw error
  }
  yield* syncDirectory(io, completedDir, io.directory)
  // The error of a file that is not there costs more than half of the other calls.
  if (!isNew) removeFile(recordPath(io.directory, id))
  releaseQuota(io, id, record)
  return finished
}

/** What becomes of an upload that is complete, and when it is. */
export interface Completion {
  readonly completedDir: string
  /** It is sealed and stays where it is. */
  readonly seal: boolean
  /** Absent: at its length. */
  readonly complete?: boolean | undefined
}

/** Records a new offset; perhaps that is the end of the upload. */
export function* recordOffset(
  io: Io,
  { id, fd, record, first, isNew }: Advancing,
  { completedDir, seal, complete = record.offset === record.length }: Completion,
): Operation<RecordFields> {
  const gated = complete && seal && !isPartial(record.notes)
  const notes = gated ? { ...record.notes, gated } : record.notes
  const length = complete ? record.offset : record.length
  const upload = { id, fd, record: { ...record, length, complete, notes }, first, isNew }
  if (complete && isForQueue(notes)) return yield* finalizeLocked(io, upload, completedDir)
  const path = recordPath(io.directory, id)
  return yield* writeRecord(io, io.directory, path, { record: upload.record, first })
}

/** Announces a new writer. Not synced as an entry: after a crash there is no old writer to stop. */
export function* recordEpoch(io: Io, id: string, record: RecordFields): Operation<void> {
  const text = formatRecord(record)
  yield* replaceFile(io, io.directory, recordPath(io.directory, id), { text })
}

export function notFound(): UploadError {
  return new UploadError('ERR_UPLOAD_NOT_FOUND', 'there is no upload with this id')
}

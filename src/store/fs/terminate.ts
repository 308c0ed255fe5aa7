/** Terminating: an upload goes wherever it stands, and how it ended is remembered. @module */
import { closeSync, existsSync, fstatSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { TerminateRequest } from '../storage.ts'
import type { UploadNotes } from '../upload-notes.ts'
import type { RecordFields } from '../upload-record.ts'
import { type CompletedUploadPlace, readCompleted, removeCompleted } from './claim.ts'
import { notFound } from './finalize.ts'
import {
  BUSY,
  type Busy,
  HELD,
  type Io,
  isBusy,
  isFull,
  lockFile,
  type Operation,
} from './io-call.ts'
import { dataPath, recordPath, tombstonePath } from './layout.ts'
import { releaseQuota } from './quota.ts'
import { readRecord, writeRecord } from './record-file.ts'
import { removeLocked } from './remove.ts'

export interface Termination extends CompletedUploadPlace {
  readonly end: TerminateRequest['end']
  readonly notes: UploadNotes
}

/** Removes an upload that is not completed; one that is goes as well if no worker holds it. */
export function* terminate(io: Io, how: Termination): Operation<true | Busy> {
  const { id } = how
  const fd = lockFile(io, dataPath(io.directory, id))
  if (isBusy(fd)) return BUSY
  if (fd === undefined) return yield* terminateCompleted(io, how)
  try {
    if (io.posix.isMarked(fd)) return HELD
    const record = readRecord(recordPath(io.directory, id))
    // Its creation is under way, or was never finished.
    if (record === undefined) throw notFound()
    // A part is looked for by its client even now: there is no moment without it.
    if (how.end === 'acknowledged') yield* remember(io, how, record)
    yield* removeLocked(io, id)
    releaseQuota(io, id, record)
    if (how.end !== 'acknowledged') yield* remember(io, how, record)
    return true
  } finally {
    closeSync(fd)
  }
}

function* terminateCompleted(io: Io, how: Termination): Operation<true> {
  const { id, completedDir } = how
  const fd = lockFile(io, dataPath(completedDir, id))
  if (isBusy(fd)) {
    throw new UploadError('ERR_UPLOAD_LOCKED', 'a worker is busy with this upload')
  }
  const ended = existsSync(tombstonePath(completedDir, id))
  if (fd === undefined) throw ended ? gone() : notFound()
  try {
    if (ended) throw gone()
    const record = readCompleted(how, fstatSync(fd).size)
    if (record instanceof UploadError) throw record
    yield* removeCompleted(io, how)
    yield* remember(io, how, record)
    return true
  } finally {
    closeSync(fd)
  }
}

/**
 * The tombstone comes last: beside an upload that may still complete it would be taken for an
 * acknowledgement. Without room for it the upload is gone all the same, and only not found.
 */
export function* remember(
  io: Io,
  { id, completedDir, end, notes }: Termination,
  record: RecordFields,
): Operation<void> {
  const ended = end === 'acknowledged' ? null : end
  const tombstone = { ...record, ended, notes: { ...record.notes, ...notes } }
  try {
    yield* writeRecord(io, completedDir, tombstonePath(completedDir, id), { record: tombstone })
  } catch (error) {
    if (!isFull(error)) throw error
  }
}

function gone(): UploadError {
  return new UploadError('ERR_UPLOAD_GONE', 'this upload has ended')
}

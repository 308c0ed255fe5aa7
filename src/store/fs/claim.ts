/** Claims on completed uploads: a `flock` on the data file, so a dead worker's claim ends with it. @module */
import { closeSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UploadError } from '../../errors.ts'
import { parseRecord, type RecordFields } from '../upload-record.ts'
import {
  BUSY,
  type Busy,
  type Io,
  isBusy,
  lockFile,
  type Operation,
  syncDirectory,
} from './io-call.ts'
import { DEAD, dataPath, recordPath, tombstoneDirectory, tombstonePath } from './layout.ts'
import { ensureDirectory, replaceFile, writeRecord } from './record-file.ts'

/** What a claim attempt found: the claim, or why there is none. */
export type ClaimResult =
  | { readonly fd: number; readonly record: RecordFields }
  | Busy
  | { readonly gone: true }
  | { readonly buried: string }
  | { readonly unreadable: string }

export interface CompletedUploadPlace {
  readonly id: string
  readonly completedDir: string
}

/**
 * Claims one upload. One without a readable record cannot be worked on: it goes to `dead/` with
 * the reason. One that was acknowledged before a crash is removed instead of handed out again.
 */
export function* claim(io: Io, place: CompletedUploadPlace): Operation<ClaimResult> {
  const { id, completedDir } = place
  const fd = lockFile(io, dataPath(completedDir, id))
  if (isBusy(fd)) return BUSY
  if (fd === undefined) return { gone: true }
  let claimed = false
  try {
    if (existsSync(tombstonePath(completedDir, id))) {
      yield* removeCompleted(io, place)
      return { gone: true }
    }
    const record = readCompleted(place)
    if (record instanceof UploadError) {
      if (record.code !== 'ERR_CORRUPT_RECORD') return { unreadable: record.message }
      yield* bury(io, place, record.message)
      return { buried: record.message }
    }
    claimed = true
    return { fd, record }
  } finally {
    if (!claimed) closeSync(fd)
  }
}

/** Ends a claim for good. The tombstone is the commit; the rest is only tidying. */
export function* acknowledge(
  io: Io,
  { fd, record, ...place }: CompletedUploadPlace & { fd: number; record: RecordFields },
): Operation<void> {
  const { id, completedDir } = place
  try {
    yield* ensureDirectory(io, tombstoneDirectory(completedDir, id))
    yield* writeRecord(io, completedDir, tombstonePath(completedDir, id), record)
    yield* removeCompleted(io, place)
  } finally {
    closeSync(fd)
  }
}

export function* releaseClaim(_io: Io, { fd }: { fd: number }): Operation<void> {
  closeSync(fd)
}

/** Removes a completed upload whose lock the caller holds. */
export function* removeCompleted(
  io: Io,
  { id, completedDir }: CompletedUploadPlace,
): Operation<void> {
  rmSync(dataPath(completedDir, id), { force: true })
  rmSync(recordPath(completedDir, id), { force: true })
  yield* syncDirectory(io, completedDir)
}

/** Moves a completed upload whose lock the caller holds to `dead/`, the reason in front. */
export function* bury(
  io: Io,
  { id, completedDir }: CompletedUploadPlace,
  reason: string,
): Operation<void> {
  const grave = join(completedDir, DEAD, id)
  yield* ensureDirectory(io, grave)
  const note = join(grave, 'reason')
  // After a crash in the middle the first reason is the true one.
  if (!existsSync(note)) yield* replaceFile(io, completedDir, note, `${reason}\n`)
  if (existsSync(recordPath(completedDir, id))) {
    renameSync(recordPath(completedDir, id), join(grave, 'record'))
  }
  renameSync(dataPath(completedDir, id), join(grave, 'data'))
  yield* syncDirectory(io, grave)
  yield* syncDirectory(io, completedDir)
}

/** The record of a completed upload, or why there is none to work with. */
export function readCompleted({
  id,
  completedDir,
}: CompletedUploadPlace): RecordFields | UploadError {
  try {
    return parseRecord(readFileSync(recordPath(completedDir, id), 'utf8'))
  } catch (error) {
    if (error instanceof UploadError) return error
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return new UploadError('ERR_CORRUPT_RECORD', 'the record is missing')
  }
}

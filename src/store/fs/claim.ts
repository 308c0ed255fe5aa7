/** Claims on completed uploads: a `flock` on the data file, so a dead worker's claim ends with it. @module */
import {
  closeSync,
  existsSync,
  fstatSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { UploadError } from '../../errors.ts'
import { parseRecord, type RecordFields } from '../upload-record.ts'
import {
  BUSY,
  type Busy,
  type Io,
  isBusy,
  isFull,
  lockFile,
  type Operation,
  syncDirectory,
} from './io-call.ts'
import { DEAD, dataPath, recordPath, tombstonePath } from './layout.ts'
import { checkSize, ensureDirectory, replaceFile, writeRecord } from './record-file.ts'

/** What a claim attempt found: the claim, or why there is none. */
export type ClaimResult =
  | { readonly fd: number; readonly record: RecordFields }
  | Busy
  | { readonly gone: true }
  | { readonly buried: string }
  | { readonly unreadable: string }
  | { readonly notBeforeMs: number }

export interface CompletedUploadPlace {
  readonly id: string
  readonly completedDir: string
}

/**
 * Claims one upload. One without a readable record cannot be worked on: it goes to `dead/` with
 * the reason. One that was acknowledged before a crash is removed instead of handed out again.
 */
export function* claim(
  io: Io,
  { counted, ...place }: CompletedUploadPlace & { readonly counted: boolean },
): Operation<ClaimResult> {
  const { id, completedDir } = place
  const fd = lockCompleted(io, place)
  if (typeof fd !== 'number') return fd
  let claimed = false
  try {
    if (existsSync(tombstonePath(completedDir, id))) {
      yield* removeCompleted(io, place)
      return { gone: true }
    }
    const record = readCompleted(place, fstatSync(fd).size)
    if (record instanceof UploadError) {
      if (record.code !== 'ERR_CORRUPT_RECORD') return { unreadable: record.message }
      yield* bury(io, place, record.message)
      return { buried: record.message }
    }
    const { notBeforeMs } = record
    if (notBeforeMs !== null && !isDue(place, notBeforeMs)) return { notBeforeMs }
    const attempts = record.attempts + (counted ? 1 : 0)
    const given = { ...record, attempts, notBeforeMs: null }
    if (counted) yield* countAttempt(io, place, given)
    claimed = true
    return { fd, record: given }
  } finally {
    if (!claimed) closeSync(fd)
  }
}

/** How far clocks are set back in the ordinary course of things. */
const CLOCK_SLACK_MS = 1000

/** A record that was written in the future shows that the clock was wrong, and so what it says. */
function isDue(place: CompletedUploadPlace, notBeforeMs: number): boolean {
  const now = Date.now()
  return notBeforeMs <= now || statSync(completedRecord(place)).mtimeMs > now + CLOCK_SLACK_MS
}

/** Something else by the name of an upload is left alone, and so are files of somebody else. */
function lockCompleted(io: Io, { id, completedDir }: CompletedUploadPlace): number | ClaimResult {
  try {
    const fd = lockFile(io, dataPath(completedDir, id))
    if (isBusy(fd)) return BUSY
    return fd ?? { gone: true }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['EISDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(code)) throw error
    return { unreadable: `its file cannot be opened: ${code}` }
  }
}

/** A claim as its holder keeps it. */
export interface HeldClaim extends CompletedUploadPlace {
  readonly fd: number
  readonly record: RecordFields
}

/**
 * Ends a claim for good. The tombstone is the commit; the rest is only tidying. On a full disk the
 * file goes first, which is what makes room.
 */
export function* acknowledge(
  io: Io,
  { entombed, ...claim }: HeldClaim & { readonly entombed: boolean },
): Operation<void> {
  try {
    if (!entombed) {
      try {
        yield* entomb(io, claim)
      } catch (error) {
        if (!isFull(error)) throw error
        yield* removeCompleted(io, claim)
        yield* entomb(io, claim)
      }
    }
    yield* removeCompleted(io, claim)
  } finally {
    closeSync(claim.fd)
  }
}

/** Remembers an upload that is never handed out again, acknowledged or with its file saved. */
export function* entomb(io: Io, { id, completedDir, record }: HeldClaim): Operation<void> {
  yield* writeRecord(io, completedDir, tombstonePath(completedDir, id), { record })
}

/** Ends a claim; with a record, that is what the next one finds. */
export function* releaseClaim(
  io: Io,
  { fd, record, ...place }: CompletedUploadPlace & { fd: number; record?: RecordFields },
): Operation<void> {
  try {
    if (record) yield* writeRecord(io, place.completedDir, completedRecord(place), { record })
  } finally {
    closeSync(fd)
  }
}

/** Ends a claim on what nobody can work on. */
export function* buryClaim(
  io: Io,
  { fd, reason, ...place }: CompletedUploadPlace & { fd: number; reason: string },
): Operation<void> {
  try {
    yield* bury(io, place, reason)
  } finally {
    closeSync(fd)
  }
}

/** An attempt counts before it begins, for a crash shall count. A full disk stops no worker. */
function* countAttempt(io: Io, place: CompletedUploadPlace, record: RecordFields): Operation<void> {
  try {
    yield* writeRecord(io, place.completedDir, completedRecord(place), { record })
  } catch (error) {
    if (!isFull(error)) throw error
  }
}

function completedRecord({ completedDir, id }: CompletedUploadPlace): string {
  return recordPath(completedDir, id)
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
  if (!existsSync(note)) yield* replaceFile(io, completedDir, note, { text: `${reason}\n` })
  if (existsSync(recordPath(completedDir, id))) {
    renameSync(recordPath(completedDir, id), join(grave, 'record'))
  }
  renameSync(dataPath(completedDir, id), join(grave, 'data'))
  yield* syncDirectory(io, grave, completedDir)
}

/** The record of a completed upload, or why there is none to work with. */
export function readCompleted(
  { id, completedDir }: CompletedUploadPlace,
  size: number,
): RecordFields | UploadError {
  try {
    const record = parseRecord(readFileSync(recordPath(completedDir, id), 'utf8'))
    checkSize(size, record)
    return record
  } catch (error) {
    if (error instanceof UploadError) return error
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return new UploadError('ERR_CORRUPT_RECORD', 'the record is missing')
  }
}

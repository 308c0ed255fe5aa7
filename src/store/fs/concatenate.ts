/**
 * Concatenation, the part in the I/O thread: bytes go from file to file in the kernel, which shares the
 * blocks where the file system can, in steps that keep no thread for long.
 *
 * @module
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { UploadError } from '../../errors.ts'
import type { StoredUpload } from '../upload.ts'
import { checkFinalLength } from '../upload-notes.ts'
import type { RecordFields } from '../upload-record.ts'
import { stateOf } from './append-end.ts'
import { copyBytes } from './copy-bytes.ts'
import { notFound, recordOffset } from './finalize.ts'
import {
  BUSY,
  type Busy,
  earlierDataOf,
  type Io,
  isBusy,
  isStillAt,
  lockFile,
  type Operation,
  openIfExists,
  syncDirectory,
} from './io-call.ts'
import { dataPath, recordPath, wantedPath } from './layout.ts'
import { checkSize, ensureDirectory, readRecord } from './record-file.ts'
import { toStoredUpload } from './stored-upload.ts'

/** A final upload, opened to be filled from its beginning. */
export interface OpenedFinal {
  readonly fd: number
  readonly parts: readonly string[]
}

/** For whoever holds the upload. What an earlier try has left in the file goes. */
export function* openFinal(io: Io, { id }: { readonly id: string }): Operation<OpenedFinal | Busy> {
  const fd = lockFile(io, dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  if (isBusy(fd)) return fd
  try {
    const record = readRecord(recordPath(io.directory, id))
    const parts = record?.notes.concat?.parts
    if (!parts || record.complete) throw notFound()
    ftruncateSync(fd, 0)
    io.posix.unlock(fd)
    return { fd, parts }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** One that could not be filled gives its space back. */
export function* closeFinal(
  _io: Io,
  { fd, sealed }: { readonly fd: number; readonly sealed: boolean },
): Operation<void> {
  try {
    if (!sealed) ftruncateSync(fd, 0)
  } finally {
    closeSync(fd)
  }
}

export interface CopyPart {
  /** Of the final upload. */
  readonly fd: number
  readonly part: string
  /** Where in the part, and where in the final upload. */
  readonly start: number
  readonly position: number
  readonly most: number
}

/** Copies up to `most` bytes; resolves with how many there are and how many were copied. */
export function* copyPart(
  io: Io,
  { fd, part, start, position, most }: CopyPart,
): Operation<{ readonly length: number; readonly copied: number }> {
  const record = readRecord(recordPath(io.directory, part))
  const from = openIfExists(dataPath(io.directory, part))
  try {
    if (!record?.complete || from === undefined) {
      throw new UploadError('ERR_INVALID_CONCAT', `the part ${part} is not there, or not complete`)
    }
    checkSize(fstatSync(from).size, record)
    const { offset: length } = record
    const bytes = Math.min(most, length - start)
    copyBytes(io, { from, start, to: fd, position, length: bytes })
    return { length, copied: bytes }
  } finally {
    if (from !== undefined) closeSync(from)
  }
}

/** All parts are there: makes that durable, and moves the upload on unless it waits for a verdict. */
export function* sealFinal(
  io: Io,
  { id, fd, length, completedDir }: SealFinal,
): Operation<StoredUpload | Busy> {
  if (!io.posix.tryLock(fd)) return BUSY
  try {
    const record = readRecord(recordPath(io.directory, id))
    if (!record || !isStillAt(fd, dataPath(io.directory, id))) throw notFound()
    checkFinalLength(length, record.notes)
    const lastWrite = Math.max(record.createdAt, Date.now() / 1000)
    const full: RecordFields = { ...record, length, offset: length, lastWrite }
    const completion = { completedDir, seal: record.notes.gated ?? false }
    const sealed = { id, fd, record: full, first: [earlierDataOf(fd)], isNew: false }
    const stored = yield* recordOffset(io, sealed, completion)
    return toStoredUpload(id, stored, stateOf(stored))
  } finally {
    io.posix.unlock(fd)
  }
}

export interface SealFinal {
  readonly id: string
  readonly fd: number
  readonly length: number
  readonly completedDir: string
}

/** A final upload and a part that it waits for. */
export interface Wanted {
  readonly id: string
  readonly part: string
}

/** Remembers that a final upload waits for a part. */
export function* want(io: Io, { id, part }: Wanted): Operation<void> {
  const directory = wantedPath(io.directory, part)
  yield* ensureDirectory(io, directory)
  writeFileSync(join(directory, id), '')
  yield* syncDirectory(io, directory)
}

/** Not synced: one that comes back is swept when its part is gone. */
export function* unwant(io: Io, { id, part }: Wanted): Operation<void> {
  const directory = wantedPath(io.directory, part)
  rmSync(join(directory, id), { force: true })
  try {
    rmdirSync(directory)
  } catch {
    // It is not there, or others wait for the same part.
  }
}

export function* wantedBy(io: Io, { part }: { readonly part: string }): Operation<string[]> {
  try {
    return readdirSync(wantedPath(io.directory, part))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Appending, the part in the I/O thread. A body that is whole and small is one call; a longer one
 * is opened, then locked and committed batch by batch while the main thread writes.
 *
 * @module
 */
import { closeSync, fstatSync, writevSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { StoredUpload } from '../upload.ts'
import type { RecordFields } from '../upload-record.ts'
import { type LockedUpload, notFound, recordEpoch, recordOffset } from './finalize.ts'
import {
  BUSY,
  type Busy,
  HELD,
  type Io,
  isBusy,
  isStillAt,
  lockFile,
  type Operation,
  syncData,
  syncEarlierData,
} from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'
import { checkSize, readRecord } from './record-file.ts'
import { toStoredUpload } from './stored-upload.ts'

export interface AppendWhole {
  readonly id: string
  readonly offset: number
  readonly pieces: readonly Uint8Array[]
  readonly completedDir: string
}

/** Writes a whole body: compare, write, sync, record, and finalize at the length. */
export function* appendWhole(
  io: Io,
  { id, offset, pieces, completedDir }: AppendWhole,
): Operation<StoredUpload | Busy> {
  const upload = openUpload(io, id, offset)
  if (isBusy(upload)) return upload
  try {
    const { fd, record } = upload
    const end = offset + pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
    if (end > (record.length ?? end)) throw sizeExceeded(record)
    if (end === offset) return toStoredUpload(id, record)
    writeAll(fd, pieces, offset)
    yield* syncData(io, fd)
    const appended = advance(record, end)
    const stored = yield* recordOffset(io, { id, fd, record: appended }, completedDir)
    return toStoredUpload(id, stored, stateOf(stored))
  } finally {
    closeSync(upload.fd)
  }
}

/** A writer's open upload as the main thread keeps it. The lock is held until `commitAppend`. */
export interface OpenedAppend {
  readonly fd: number
  readonly record: RecordFields
}

/** Opens an upload for a longer body and announces the new writer by the next epoch. */
export function* openAppend(
  io: Io,
  { id, offset }: { id: string; offset: number },
): Operation<OpenedAppend | Busy> {
  const upload = openUpload(io, id, offset)
  if (isBusy(upload)) return upload
  try {
    const record = { ...upload.record, epoch: upload.record.epoch + 1 }
    yield* recordEpoch(io, id, record)
    io.posix.mark(upload.fd)
    return { fd: upload.fd, record }
  } catch (error) {
    closeSync(upload.fd)
    throw error
  }
}

/** Takes the lock again and makes sure that nobody else has written since. */
export function* lockAppend(io: Io, { id, fd, record }: LockedUpload): Operation<true | Busy> {
  if (!io.posix.tryLock(fd)) return BUSY
  try {
    const now = readRecord(recordPath(io.directory, id))
    const mine = now?.epoch === record.epoch && now.offset === record.offset
    if (mine && isStillAt(fd, dataPath(io.directory, id))) return true
    throw new UploadError('ERR_UPLOAD_INTERRUPTED', 'another request has taken over this upload', {
      ...(now && { offset: now.offset }),
    })
  } catch (error) {
    io.posix.unlock(fd)
    throw error
  }
}

/** Syncs what was written up to `end`, records it and lets the lock go. */
export function* commitAppend(
  io: Io,
  { id, fd, record, end, completedDir }: LockedUpload & { end: number; completedDir: string },
): Operation<RecordFields> {
  try {
    yield* syncEarlierData(io, fd)
    return yield* recordOffset(io, { id, fd, record: advance(record, end) }, completedDir)
  } finally {
    io.posix.unlock(fd)
  }
}

export function* closeAppend(_io: Io, { fd }: { fd: number }): Operation<void> {
  closeSync(fd)
}

export function stateOf(record: RecordFields): 'completed' | 'sealed' | 'receiving' {
  if (record.finishedAt !== null) return 'completed'
  return record.complete ? 'sealed' : 'receiving'
}

function openUpload(io: Io, id: string, offset: number): LockedUpload | Busy {
  const fd = lockFile(io, dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  if (isBusy(fd)) return BUSY
  try {
    if (io.posix.isMarked(fd)) {
      closeSync(fd)
      return HELD
    }
    const record = readRecord(recordPath(io.directory, id))
    if (record === undefined) throw notFound()
    if (record.offset !== offset || record.complete) {
      throw new UploadError(
        'ERR_MISMATCHED_OFFSET',
        `the upload stands at ${record.offset}, not at ${offset}`,
        { offset: record.offset },
      )
    }
    checkSize(fstatSync(fd).size, record)
    return { id, fd, record }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

export function sizeExceeded({ length, offset }: RecordFields): UploadError {
  return new UploadError(
    'ERR_UPLOAD_SIZE_EXCEEDED',
    `the body goes on beyond the upload's length of ${length} bytes`,
    { offset },
  )
}

/** Time never runs backwards in a record, whatever the clock does. */
function advance(record: RecordFields, offset: number): RecordFields {
  return { ...record, offset, lastWrite: Math.max(record.createdAt, Date.now() / 1000) }
}

function writeAll(fd: number, pieces: readonly Uint8Array[], position: number): void {
  let rest = [...pieces]
  let at = position
  while (rest.length > 0) {
    const written = writevSync(fd, rest, at)
    at += written
    rest = skip(rest, written)
  }
}

/** What is left of `pieces` after `written` bytes: a full disk may take only a part of a batch. */
export function skip(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let left = written
  const rest: Uint8Array[] = []
  for (const piece of pieces) {
    if (left >= piece.byteLength) left -= piece.byteLength
    else {
      rest.push(left > 0 ? piece.subarray(left) : piece)
      left = 0
    }
  }
  return rest
}

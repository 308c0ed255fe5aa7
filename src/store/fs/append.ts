/**
 * Appending, the part in the I/O thread. A body that is whole and small is one call; a longer one
 * is opened, then locked and committed batch by batch while the main thread writes.
 *
 * @module
 */
import { closeSync, fstatSync, ftruncateSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { StoredUpload } from '../upload.ts'
import { expiresAtMs } from '../upload-notes.ts'
import type { RecordFields } from '../upload-record.ts'
import { advance, checkComplete, checkEnd, maxSizeExceeded, stateOf } from './append-end.ts'
import {
  type Completion,
  type LockedUpload,
  notFound,
  recordEpoch,
  recordOffset,
} from './finalize.ts'
import {
  BUSY,
  type Busy,
  dataOf,
  earlierDataOf,
  HELD,
  type Io,
  isBusy,
  isStillAt,
  type Operation,
  openLocked,
} from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'
import { claimQuota, type QuotaGrant, settleQuota } from './quota.ts'
import { checkSize, readRecord } from './record-file.ts'
import { reserve } from './reserve.ts'
import { toStoredUpload } from './stored-upload.ts'
import { byteLength, writeAll } from './write-pieces.ts'

/** What an append asks for besides its bytes. */
export interface AppendTerms {
  readonly id: string
  readonly offset: number
  readonly length?: number | undefined
  readonly maxSize?: number | undefined
  /** Bytes that the owner may reserve; for an upload without a length. */
  readonly quota?: number | undefined
  /** What is told counts only with the whole body. */
  readonly atomic?: boolean | undefined
}

export interface OpenAppend extends AppendTerms {
  /** How many bytes come, as far as that is known. */
  readonly coming: number
}

export interface AppendWhole extends AppendTerms, Completion {
  readonly pieces: readonly Uint8Array[]
}

/** Writes a whole body: compare, write, sync, record, and finalize what is complete. */
export function* appendWhole(io: Io, appending: AppendWhole): Operation<StoredUpload | Busy> {
  const { id, offset, maxSize, pieces, completedDir, seal, complete } = appending
  const coming = byteLength(pieces)
  const upload = openUpload(io, appending, coming)
  if (isBusy(upload)) return upload
  try {
    const { fd, record, changed, grant } = upload
    const end = offset + coming
    if (grant) yield* settleQuota(io, grant)
    checkEnd(record, end, maxSize)
    if (complete) checkComplete(record, end)
    const completes = complete ?? end === record.length
    if (end === offset && !changed && !completes) return toStoredUpload(id, record)
    if (end > offset) writeAll(fd, pieces, offset)
    if (completes && upload.size > end) ftruncateSync(fd, end)
    const appended = { id, fd, record: advance(record, end), first: [dataOf(fd)], isNew: false }
    const stored = yield* recordOffset(io, appended, { completedDir, seal, complete })
    return toStoredUpload(id, stored, stateOf(stored))
  } finally {
    closeSync(upload.fd)
  }
}

/** A writer's open upload as the main thread keeps it. The lock is held until `commitAppend`. */
export interface OpenedAppend {
  readonly fd: number
  readonly record: RecordFields
  /** End of what the owner's quota allows already. */
  readonly reserved: number
}

/** Opens an upload for a longer body and announces the new writer by the next epoch. */
export function* openAppend(io: Io, terms: OpenAppend): Operation<OpenedAppend | Busy> {
  const upload = openUpload(io, terms, terms.coming)
  if (isBusy(upload)) return upload
  try {
    const { grant, changed } = upload
    const record = { ...upload.record, epoch: upload.record.epoch + 1 }
    if (grant) yield* settleQuota(io, grant)
    const untold = terms.atomic && changed
    yield* recordEpoch(io, terms.id, untold ? { ...record, length: null } : record)
    io.posix.mark(upload.fd)
    return { fd: upload.fd, record, reserved: grant?.reserved ?? 0 }
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
  { id, fd, record, end, ...completion }: LockedUpload & Completion & { end: number },
): Operation<RecordFields> {
  try {
    const completes = completion.complete ?? end === record.length
    if (completes && fstatSync(fd).size > end) ftruncateSync(fd, end)
    const appended = {
      id,
      fd,
      record: advance(record, end),
      first: [earlierDataOf(fd)],
      isNew: false,
    }
    return yield* recordOffset(io, appended, completion)
  } finally {
    io.posix.unlock(fd)
  }
}

export function* closeAppend(_io: Io, { fd }: { fd: number }): Operation<void> {
  closeSync(fd)
}

interface OpenedUpload extends LockedUpload {
  /**
   * Of the file, as it was found: a request that was refused, or whose process has died, may have made it
   * longer than the upload becomes, by its bytes or by room for a length that did not come to count.
   */
  readonly size: number
  /** The record says more than the one on the disk. */
  readonly changed: boolean
  readonly grant?: QuotaGrant | undefined
}

function openUpload(io: Io, terms: AppendTerms, coming: number): OpenedUpload | Busy {
  const { id, offset, length } = terms
  const file = openLocked(io, dataPath(io.directory, id))
  if (file === undefined) throw notFound()
  if (isBusy(file)) return BUSY
  const { fd, size } = file
  try {
    if (io.posix.isMarked(fd)) {
      closeSync(fd)
      return HELD
    }
    const record = readRecord(recordPath(io.directory, id))
    if (record === undefined) throw notFound()
    if (record.notes.concat?.parts) {
      throw new UploadError('ERR_MODIFY_FINAL', 'a final upload takes no bytes of its own')
    }
    if (record.offset !== offset || record.complete) {
      throw new UploadError('ERR_MISMATCHED_OFFSET', `the upload stands at ${record.offset}`, {
        offset: record.offset,
      })
    }
    checkSize(size, record)
    checkExpiry(record)
    const told = length === undefined ? record : withLength(record, terms)
    const grant = grantFor(io, record, terms, coming)
    if (isBusy(grant)) {
      closeSync(fd)
      return BUSY
    }
    const changed = told !== record
    if (changed && length !== undefined) reserve(io, file, length)
    return { id, fd, size, record: told, changed, grant }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Of an upload without a length nobody knew at its creation what it would reserve. */
function grantFor(
  io: Io,
  { length: known, notes }: RecordFields,
  { id, offset, length, quota: limit }: AppendTerms,
  coming: number,
): QuotaGrant | Busy | undefined {
  const bytes = length ?? offset + coming
  if (limit === undefined || known !== null || bytes === 0) return undefined
  return claimQuota(io, { id, owner: notes.owner ?? '', bytes, limit })
}

/** A length is told once; from then on it is the upload's, and its space is reserved. */
function withLength(
  record: RecordFields,
  { length = 0, maxSize = Number.MAX_SAFE_INTEGER }: AppendTerms,
): RecordFields {
  if (record.length === length) return record
  if (record.length !== null || length < record.offset) {
    const known = record.length ?? `at least ${record.offset}`
    throw new UploadError(
      'ERR_INVALID_UPLOAD_LENGTH',
      `the length of this upload is ${known}, not ${length}`,
      { offset: record.offset },
    )
  }
  if (length > maxSize) throw maxSizeExceeded(maxSize, record)
  return { ...record, length }
}

function checkExpiry(record: RecordFields): void {
  if ((expiresAtMs(record) ?? Number.POSITIVE_INFINITY) > Date.now()) return
  throw new UploadError('ERR_UPLOAD_GONE', 'this upload has expired')
}

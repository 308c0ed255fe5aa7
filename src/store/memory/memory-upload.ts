/** One upload in memory, and what is done to it in one step. @module */
import { UploadError } from '../../errors.ts'
import { checkQuota, type QuotaRequest } from '../quota.ts'
import type { AppendRequest, StoredEntry } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import { expiresAtMs, isForQueue } from '../upload-notes.ts'

export interface Entry {
  upload: StoredUpload
  readonly pieces: Uint8Array[]
  /** Bytes that count against the quota of its owner. */
  reserved?: number
}

/** Counts an upload with the others of its owner. @throws `ERR_QUOTA_EXCEEDED` */
export function reserve(entries: Iterable<Entry>, entry: Entry, request: QuotaRequest): void {
  const { uploadId, notes } = entry.upload
  let others = 0
  for (const { upload, reserved = 0 } of entries) {
    const same = upload.notes.owner === notes.owner && upload.uploadId !== uploadId
    if (same) others += reserved
  }
  checkQuota(request, others)
  entry.reserved = request.bytes
}

/** What has no length may need more than it was known to. */
export function isGrowing({ upload, reserved = 0 }: Entry, end: number): boolean {
  return upload.length === null && end > reserved
}

/** Compares, and takes over what the request tells of the upload, once what that needs is reserved. */
export function open(
  entry: Entry,
  { offset, length, maxSize = Number.MAX_SAFE_INTEGER, contentLength = 0 }: AppendRequest,
  reserve: (bytes: number) => void,
): void {
  const { upload } = entry
  if (upload.notes.concat?.parts) {
    throw new UploadError('ERR_MODIFY_FINAL', `the upload ${upload.uploadId} is a final one`)
  }
  compareOffset(upload, offset)
  if (upload.expiresAt && upload.expiresAt.getTime() <= Date.now()) {
    throw new UploadError('ERR_UPLOAD_GONE', `the upload ${upload.uploadId} has expired`)
  }
  const known = upload.length ?? length ?? null
  if (known !== (length ?? known) || (known ?? offset) < offset) {
    throw new UploadError('ERR_INVALID_UPLOAD_LENGTH', `the length is ${known}`, { offset })
  }
  if (upload.length === null) {
    if ((known ?? 0) > maxSize) throw tooLarge(maxSize, offset)
    reserve(known ?? offset + contentLength)
  }
  entry.upload = { ...upload, length: known }
}

/** Nothing is awaited in here: comparing and advancing are one step. */
export function appendBatch(
  entry: Entry,
  offset: number,
  bytes: Uint8Array,
  maxSize: number = Number.MAX_SAFE_INTEGER,
): number {
  const { upload, pieces } = entry
  compareOffset(upload, offset)
  const end = offset + bytes.byteLength
  if (upload.length !== null && end > upload.length) {
    throw new UploadError('ERR_UPLOAD_SIZE_EXCEEDED', `the upload's length is ${upload.length}`, {
      offset,
    })
  }
  if (upload.length === null && end > maxSize) throw tooLarge(maxSize, offset)
  if (bytes.byteLength > 0) {
    pieces.push(bytes)
    entry.upload = withExpiry({ ...upload, offset: end, lastWrite: new Date() })
  }
  return end
}

/** How an append may end an upload. */
export type Ending = Pick<AppendRequest, 'completedDir' | 'seal' | 'complete'>

/** The end that is told must be the one that was told before. */
export function checkComplete({ length, offset }: StoredUpload, end: number): void {
  if (length === null || length === end) return
  throw new UploadError('ERR_INVALID_UPLOAD_LENGTH', `the length is ${length}, not ${end}`, {
    offset,
  })
}

function tooLarge(maxSize: number, offset: number): UploadError {
  return new UploadError('ERR_MAX_SIZE_EXCEEDED', `at most ${maxSize} bytes`, { offset })
}

export function compareOffset(upload: StoredUpload, offset: number): void {
  if (upload.offset === offset) return
  throw new UploadError('ERR_MISMATCHED_OFFSET', `the upload is at ${upload.offset}`, {
    offset: upload.offset,
  })
}

export function withExpiry(upload: Omit<StoredUpload, 'expiresAt'>): StoredUpload {
  const { createdAt, lastWrite, state, notes } = upload
  const expires = expiresAtMs({
    complete: state !== 'receiving',
    createdAt: createdAt.getTime() / 1000,
    lastWrite: lastWrite.getTime() / 1000,
    notes,
  })
  return { ...upload, expiresAt: expires === null ? null : new Date(expires) }
}

export function describeUpload(upload: StoredUpload): StoredEntry {
  const { notes, expiresAt } = upload
  return {
    kind: 'upload',
    ...(expiresAt && { expiresAtMs: expiresAt.getTime() }),
    ...(notes.gated && upload.state === 'sealed' && { gated: true }),
    ...(notes.refusal && { refused: true }),
    id: upload.uploadId,
    path: `memory:${upload.uploadId}`,
    lastActivityMs: upload.lastWrite.getTime(),
    complete: upload.state === 'sealed' && isForQueue(notes),
  }
}

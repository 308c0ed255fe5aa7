/** One upload in memory, and what is done to it in one step. @module */
import { UploadError } from '../../errors.ts'
import type { StoredEntry } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import { expiresAtMs, isForQueue } from '../upload-notes.ts'

export interface Entry {
  upload: StoredUpload
  readonly pieces: Uint8Array[]
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

export function tooLarge(maxSize: number, offset: number): UploadError {
  return new UploadError('ERR_MAX_SIZE_EXCEEDED', `at most ${maxSize} bytes`, { offset })
}

export function compareOffset(upload: StoredUpload, offset: number): void {
  if (upload.offset === offset) return
  throw new UploadError('ERR_MISMATCHED_OFFSET', `the upload is at ${upload.offset}`, {
    offset: upload.offset,
  })
}

export function isAtLength({ offset, length }: StoredUpload): boolean {
  return offset === length
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

/** From a record to what the rest of the house knows of an upload. @module */
import type { StoredUpload, UploadState } from '../upload.ts'
import { expiresAtMs } from '../upload-notes.ts'
import type { RecordFields } from '../upload-record.ts'

/** Describes a record; by itself it is `sealed` or `receiving`, the place may say more. */
export function toStoredUpload(
  id: string,
  record: RecordFields,
  state: UploadState = record.complete ? 'sealed' : 'receiving',
): StoredUpload {
  const expires = expiresAtMs(record)
  return {
    uploadId: id,
    state,
    length: record.length,
    offset: record.offset,
    metadata: record.metadata,
    uploadMetadata: record.uploadMetadata,
    serverMetadata: record.serverMetadata,
    createdAt: new Date(record.createdAt * 1000),
    lastWrite: new Date(record.lastWrite * 1000),
    notes: record.notes,
    expiresAt: expires === null ? null : new Date(expires),
  }
}

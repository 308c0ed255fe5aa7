/** An upload, as the house speaks of it. @module */
import type { UploadNotes } from './upload-notes.ts'

/** Why an upload is gone that no worker has acknowledged. */
export type UploadEnd = 'terminated' | 'expired' | 'refused'

/** Where an upload stands; from `acknowledged` on it is gone, and a tombstone remembers it. */
export type UploadState = 'receiving' | 'sealed' | 'completed' | 'acknowledged' | UploadEnd

/** The facts of one upload that events and applications see. */
export interface UploadInfo {
  readonly uploadId: string
  /** Total bytes, or `null` while unknown. */
  readonly length: number | null
  /** Durable bytes, counted from 0. Never decreases. */
  readonly offset: number
  /** The client's metadata, decoded. Values that are not UTF-8 are left out. */
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly lastWrite: Date
}

/** An upload as a storage knows it. */
export interface StoredUpload extends UploadInfo {
  readonly state: UploadState
  /** The valid pairs of `Upload-Metadata`, byte for byte and in order, or the empty string. */
  readonly uploadMetadata: string
  /** What `onCreate` returned. */
  readonly serverMetadata: Readonly<Record<string, string>>
  readonly notes: UploadNotes
  /** When an unfinished upload expires, `null` for never. */
  readonly expiresAt: Date | null
}

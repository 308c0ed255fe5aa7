/** Completed uploads on their way to a worker. @module */
import type { StoredUpload } from './upload.ts'
import type { UploadRecord } from './upload-record.ts'

/** The queue. An upload is in it from the moment it is finalized until a worker acknowledges it. */
export interface CompletedQueue {
  /** Where it lies, as the storage names it. */
  readonly completedDir: string
  /**
   * Waits for a completed upload and claims it: at most one live claim per upload, across
   * processes of one host. A claim ends with its process. Rejects with the reason of `signal`.
   */
  claim(options: { readonly signal: AbortSignal }): Promise<Claim>
  /** A completed or acknowledged upload, or `undefined`. */
  find(id: string): Promise<StoredUpload | undefined>
  /** Says that `id` was just finalized by this process, so that a waiting claim need not look. */
  notify(id: string): void
}

/** How a saved file meets one that is already there. */
export interface SaveOptions {
  /** @defaultValue true */
  readonly overwrite?: boolean
}

/** One completed upload in the hands of one worker. */
export interface Claim {
  readonly id: string
  readonly record: UploadRecord
  /** Moves the file to `dest` (a directory keeps the id as name); resolves with the new path. */
  moveData(dest: string, options: SaveOptions): Promise<string>
  /** The same for the record. */
  moveRecord(dest: string, options: SaveOptions): Promise<string>
  /** Done: what is left of the upload is removed and it is never handed out again. */
  acknowledge(): Promise<void>
  /** Not done: the next claim may have it. */
  release(): Promise<void>
}

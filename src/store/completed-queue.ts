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
  claim(options: ClaimOptions): Promise<Claim>
  /** A completed or acknowledged upload, or `undefined`. */
  find(id: string): Promise<StoredUpload | undefined>
  /** Says that `id` was just finalized by this process, so that a waiting claim need not look. */
  notify(id: string): void
}

/** How to claim. */
export interface ClaimOptions {
  readonly signal: AbortSignal
  /**
   * Whether the claim is an attempt that is counted, durably, before it is handed over.
   *
   * @defaultValue false
   */
  readonly counted?: boolean
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
  /** Which attempt this is, from 1 where attempts are counted, else 0. */
  readonly attempt: number
  /** Moves the file to `dest` (a directory keeps the id as name); resolves with the new path. */
  moveData(dest: string, options: SaveOptions): Promise<string>
  /** The same for the record. */
  moveRecord(dest: string, options: SaveOptions): Promise<string>
  /** Done: what is left of the upload is removed and it is never handed out again. */
  acknowledge(): Promise<void>
  /** Not done, and not tried: the next claim may have it, and a counted attempt is taken back. */
  release(): Promise<void>
  /** Tried and not done: nobody gets it before `delayMs` have passed. */
  retry(delayMs: number): Promise<void>
  /** Given up: moved to `dead/` with the reason. */
  bury(reason: string): Promise<void>
}

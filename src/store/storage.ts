/**
 * What a storage back end must do. Unless a member says otherwise, a promise resolves only once
 * its effect survives a crash, and rejects with an `UploadError`.
 *
 * @module
 */
import type { CompletedQueue } from './completed-queue.ts'
import type { StoredUpload } from './upload.ts'

/** What the creator of an upload decides. */
export interface NewUpload {
  /** A lower-case UUID. */
  readonly id: string
  readonly length: number | null
  readonly metadata: Readonly<Record<string, string>>
  readonly uploadMetadata: string
  readonly serverMetadata: Readonly<Record<string, string>>
}

/** A piece of a request body, in the buffers that the socket filled: nobody copies them. */
export interface Batch {
  readonly pieces: readonly Uint8Array[]
  readonly byteLength: number
  /** True when the body ends with this batch. */
  readonly last: boolean
}

/** A request body, pulled batch by batch. */
export interface Content {
  /**
   * The next batch: about 1 MiB, less when the sender pauses, none within `timeoutMs` when the
   * sender is silent for that long. Rejects when the body was cut off or stopped; the bytes that
   * arrived before were handed out first.
   */
  read(timeoutMs?: number): Promise<Batch>
}

/** One append. */
export interface AppendRequest {
  /** The offset at which the sender believes the upload to be. */
  readonly offset: number
  readonly content: Content
  /** Where the upload goes when `offset` reaches its length. */
  readonly completedDir: string
}

/** What an append left behind. Partial success is a value: `contentError` says why it ended early. */
export interface AppendResult {
  readonly upload: StoredUpload
  readonly contentError?: unknown
}

/** A storage back end. {@link FilesystemStorage} is the one for local disks. */
export interface Storage {
  /** @throws `ERR_UPLOAD_EXISTS`, `ERR_INSUFFICIENT_STORAGE` */
  create(upload: NewUpload): Promise<StoredUpload>
  /** Never interrupts a request that writes. @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_CORRUPT_RECORD` */
  info(id: string): Promise<StoredUpload>
  /**
   * The same for a client that has lost its connection: whatever request of another process still
   * writes to the upload is ended first. Absent where uploads belong to one process.
   *
   * @throws also `ERR_UPLOAD_LOCKED`
   */
  settledInfo?(id: string): Promise<StoredUpload>
  /** Has `listener` called with each upload that another process asks this one to let go. */
  onStopRequest?(listener: (id: string) => void): void
  /**
   * Appends `content` if and only if the upload stands at `offset`; the comparison and the new
   * offset are one step, whoever else writes. Bytes that arrived before `content` failed are kept.
   * An upload that reaches its length is sealed and finalized before the promise resolves.
   *
   * @throws `ERR_MISMATCHED_OFFSET` with the true offset, `ERR_UPLOAD_SIZE_EXCEEDED`,
   * `ERR_UPLOAD_NOT_FOUND`, `ERR_INSUFFICIENT_STORAGE`, `ERR_UPLOAD_LOCKED`
   */
  append(id: string, request: AppendRequest): Promise<AppendResult>
  /**
   * Moves a sealed upload, or one at its length, into the queue of `completedDir` in one atomic
   * step. Idempotent: resolves with whether it was this call that moved it.
   */
  finalize(id: string, completedDir: string): Promise<boolean>
  /** Removes an unfinished upload. @throws `ERR_UPLOAD_NOT_FOUND` */
  delete(id: string): Promise<void>
  /** Uploads that are not yet completed. Corrupt ones are left out; the janitor reports those. */
  list(): AsyncIterable<StoredUpload>
  /** Bytes that a new upload could take. */
  freeSpace(): Promise<number>
  /** The queue of completed uploads in `completedDir`. @throws `ERR_DIRECTORY` */
  openQueue(completedDir: string): CompletedQueue
  /** Everything that lies in the storage and in `completedDir`, for the janitor. */
  entries(completedDir: string): AsyncIterable<StoredEntry>
  /** Removes what `entry` named if it still is what it was and nobody holds it. */
  discard(entry: StoredEntry, completedDir: string): Promise<boolean>
  /** Moves a damaged completed upload to `dead/`, with the reason, unless somebody holds it. */
  bury(entry: StoredEntry, completedDir: string, reason: string): Promise<boolean>
  /** Waits for what is under way and lets go of threads, descriptors and watchers. */
  close(): Promise<void>
}

/** One thing that a janitor may have to act on. */
export interface StoredEntry {
  readonly kind:
    | 'upload'
    | 'orphaned-record'
    | 'unrecorded-data'
    | 'corrupt-upload'
    | 'completed'
    | 'completed-orphaned-record'
    | 'completed-corrupt'
    | 'tombstone'
    | 'dead'
    | 'temporary'
  /** The upload's id, or the file's name for `temporary`. */
  readonly id: string
  readonly path: string
  /** Last write, completion or modification, whichever the kind has: Unix time in milliseconds. */
  readonly lastActivityMs: number
  /** For `upload`: it is at its length and was declared complete. */
  readonly complete: boolean
  /** Why it is called corrupt. */
  readonly reason?: string
}

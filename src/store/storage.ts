/**
 * What a storage back end must do. Unless a member says otherwise, a promise resolves only once
 * its effect survives a crash, and rejects with an `UploadError`.
 *
 * @module
 */
import type { CompletedQueue } from './completed-queue.ts'
import type { StoredUpload, UploadEnd } from './upload.ts'
import type { UploadNotes } from './upload-notes.ts'

/** What the creator of an upload decides. */
export interface NewUpload {
  /** A lower-case UUID. */
  readonly id: string
  readonly length: number | null
  /** `false`: its end is always told, so that even a length of 0 does not complete it. */
  readonly complete?: false
  readonly metadata: Readonly<Record<string, string>>
  readonly uploadMetadata: string
  readonly serverMetadata: Readonly<Record<string, string>>
  readonly notes?: UploadNotes
  /** Bytes that all uploads of its owner may reserve that have not reached the queue. */
  readonly quota?: number
  /** Bytes that it takes of the quota, where those are not its length. */
  readonly reserved?: number
}

/** All bytes that come with a creation, few enough to be handed on at once. */
export interface FirstContent {
  readonly pieces: readonly Uint8Array[]
  /** Where the upload goes when it is complete with them. */
  readonly completedDir: string
  /** Whether they are all, as with an append; by default they are at the upload's length. */
  readonly complete?: boolean
  /** The longest that an upload without a length may become. */
  readonly maxSize?: number
}

/**
 * A piece of a request body, in the buffers that the socket filled: nobody copies them. They are filled
 * again, or freed, once the next batch is asked for.
 */
export interface Batch {
  readonly pieces: readonly Uint8Array[]
  readonly byteLength: number
  /** True when the body ends with this batch. */
  readonly last: boolean
}

/** A request body, pulled batch by batch. */
export interface Content {
  /**
   * The next batch: up to 2 MiB, less when the sender pauses, none within `timeoutMs` when the
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
  /** The length, told of an upload that was created without one; of another it must be the same. */
  readonly length?: number | undefined
  /**
   * `true`: the end of `content` is the end of the upload, and its length. `false`: it goes on, even
   * at its length. By default it is complete at its length.
   */
  readonly complete?: boolean | undefined
  /** The longest that an upload without a length may become. */
  readonly maxSize?: number | undefined
  /** The same as at its creation, for one that was created without a length. */
  readonly quota?: number | undefined
  /** How long `content` is, where that is known: so much is reserved before its first byte. */
  readonly contentLength?: number | undefined
  /** Nothing is recorded before the end of `content`, and nothing is kept of one that fails. */
  readonly atomic?: boolean | undefined
  /** An upload that reaches its length is sealed and `gated`: it waits for its verdict. */
  readonly seal?: boolean | undefined
  /** Hears each offset that has become durable while `content` goes on. */
  readonly onOffset?: (offset: number) => void
}

/** How an upload is removed before a worker had it. */
export interface TerminateRequest {
  readonly completedDir: string
  /** `acknowledged` for a part whose bytes are in another upload now. */
  readonly end: UploadEnd | 'acknowledged'
  /** Kept with what is remembered of the upload. */
  readonly notes?: UploadNotes
}

/** How a final upload is filled. */
export interface ConcatRequest {
  readonly completedDir: string
  /** Ends it early; the upload stays pending. */
  readonly signal: AbortSignal
}

/** Final uploads: those that `notes.concat.parts` of their creation says. */
export interface Concatenation {
  /**
   * Fills a final upload that has no bytes with those of its parts, in order, and seals and finalizes
   * it; a gated one stays sealed. For whoever holds it. The parts stay. When it fails, or its process
   * dies, the upload is as it was.
   *
   * @throws `ERR_INVALID_CONCAT` when a part is not there or not complete, `ERR_INSUFFICIENT_STORAGE`
   */
  concat(id: string, request: ConcatRequest): Promise<StoredUpload>
  /** Remembers that a final upload waits for parts. */
  want(id: string, parts: readonly string[]): Promise<void>
  unwant(id: string, part: string): Promise<void>
  /** The final uploads that wait for a part. */
  wantedBy(part: string): Promise<readonly string[]>
}

/** What an append left behind. Partial success is a value: `contentError` says why it ended early. */
export interface AppendResult {
  readonly upload: StoredUpload
  readonly contentError?: unknown
}

/** A storage back end. {@link FilesystemStorage} is the one for local disks. */
export interface Storage {
  /**
   * Creates an upload, with its first bytes where they are given: as an append of them would leave it,
   * or not at all.
   *
   * @throws `ERR_UPLOAD_EXISTS`, `ERR_INSUFFICIENT_STORAGE`, `ERR_QUOTA_EXCEEDED`; with bytes also `ERR_UPLOAD_SIZE_EXCEEDED`,
   * `ERR_MAX_SIZE_EXCEEDED`
   */
  create(upload: NewUpload, first?: FirstContent): Promise<StoredUpload>
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
   * An upload that is complete by this is sealed and finalized before the promise resolves, but for
   * a partial one, which only others are made of: that is sealed and stays.
   *
   * @throws `ERR_MISMATCHED_OFFSET` with the true offset, `ERR_UPLOAD_SIZE_EXCEEDED`,
   * `ERR_MAX_SIZE_EXCEEDED`, `ERR_QUOTA_EXCEEDED`, `ERR_MODIFY_FINAL`, `ERR_INVALID_UPLOAD_LENGTH`, `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE` for one that has expired,
   * `ERR_INSUFFICIENT_STORAGE`, `ERR_UPLOAD_LOCKED`
   */
  append(id: string, request: AppendRequest): Promise<AppendResult>
  /**
   * Moves a sealed upload into the queue of `completedDir` in one atomic step, with `notes` added to
   * its own; a gated one only with `gated: false` among them. Idempotent: resolves with whether it was
   * this call that moved it.
   */
  finalize(id: string, completedDir: string, notes?: UploadNotes): Promise<boolean>
  /**
   * Keeps requests of other processes away from an upload between its appends; resolves with the
   * function that lets go. Absent where uploads belong to one process.
   *
   * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_LOCKED`
   */
  hold?(id: string): Promise<() => Promise<void>>
  /** Adds to the notes of an upload in the storage; for whoever holds it. */
  note(id: string, notes: UploadNotes): Promise<void>
  /** Up to `length` bytes of an upload in the storage from `position` on; fewer at its offset. */
  read(id: string, position: number, length: number): Promise<Uint8Array>
  /**
   * Removes an upload, unfinished or waiting for a worker, and remembers in `completedDir` how it
   * ended. Its space is free once the promise resolves. Whoever writes to it is ended first.
   *
   * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE` for one that was removed or acknowledged before,
   * `ERR_UPLOAD_LOCKED` while a worker holds it
   */
  terminate(id: string, request: TerminateRequest): Promise<void>
  /** Puts uploads together. Absent where that cannot be done. */
  readonly concatenation?: Concatenation
  /** Uploads that are not yet completed. Corrupt ones are left out; the janitor reports those. */
  list(): AsyncIterable<StoredUpload>
  /** Bytes that a new upload could take. */
  freeSpace(): Promise<number>
  /** The queue of completed uploads in `completedDir`. @throws `ERR_DIRECTORY` */
  openQueue(completedDir: string): CompletedQueue
  /** Everything that lies in the storage and in `completedDir`, for the janitor. */
  entries(completedDir: string): AsyncIterable<StoredEntry>
  /**
   * Removes what `entry` named if it still is what it was and nobody holds it. Of an upload it is
   * remembered that it has expired, or was refused.
   */
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
    | 'quota'
  /** The upload's id, or the file's name for `temporary` and `quota`. */
  readonly id: string
  readonly path: string
  /** Last write, completion or modification, whichever the kind has: Unix time in milliseconds. */
  readonly lastActivityMs: number
  /** For `upload`: it belongs into the queue. */
  readonly complete: boolean
  /** For `upload`: when it expires by a rule of its own, Unix time in milliseconds. */
  readonly expiresAtMs?: number
  /** For `upload`: it is complete and waits for its verdict. */
  readonly gated?: boolean
  /** For `upload`: a final one whose parts are all complete. */
  readonly assemblable?: boolean
  /** For `upload`: it was refused after all, and only its removal is missing. */
  readonly refused?: boolean
  /** Why it is called corrupt. */
  readonly reason?: string
}

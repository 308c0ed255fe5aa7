/** What the operations on uploads share. @module */
import type { Logger } from '../logger.ts'
import type { Minima } from '../protocol/minima.ts'
import type { CompletedQueue } from '../store/completed-queue.ts'
import type { Storage } from '../store/storage.ts'
import type { UploadExpiry } from '../store/upload-notes.ts'
import type { EventFeed } from './event-feed.ts'
import type { Emit } from './events.ts'
import type { Holders } from './holders.ts'
import type { RunningDigests } from './running-digests.ts'
import type { CompleteHook, SniffHook } from './verdict.ts'

/** Decides about a creation; see the option `onCreate` of `TusApp`. */
export type CreateHook = (
  headers: Readonly<Record<string, string>>,
  metadata: Readonly<Record<string, string>>,
) =>
  | Readonly<Record<string, string>>
  | undefined
  | Promise<Readonly<Record<string, string>> | undefined>

export interface Uploads {
  readonly storage: Storage
  readonly queue: CompletedQueue
  readonly holders: Holders
  /** Who hears events; `emit` is its own. */
  readonly feed: EventFeed
  readonly emit: Emit
  readonly logger: Logger
  readonly onCreate: CreateHook | undefined
  readonly onComplete: CompleteHook | undefined
  readonly sniff: SniffHook | undefined
  /** Where whole uploads are hashed. */
  readonly digests: RunningDigests
  /** How unfinished uploads expire, `null` for never. */
  readonly expiry: UploadExpiry | null
  /** Bytes of an upload, `null` for no limit. */
  readonly maxSize: number | null
  /** Bytes that the owner may reserve, `null` for no limit; for uploads of which that is not known yet. */
  readonly quota: number | null
  /** Bytes of a request body, `null` for no limit. */
  readonly maxChunkSize: number | null
  /** For uploads that begin. */
  readonly minima: Minima
  /** Milliseconds between two looks at the progress of one upload. */
  readonly progressIntervalMs: number
  /** Milliseconds of silence after which a sender is given up. */
  readonly idleTimeoutMs: number
  /** 0 for no limit. */
  readonly minBytesPerSecond: number
  readonly filenameCharset: 'ascii' | 'utf-8'
}

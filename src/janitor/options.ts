/** What a janitor is told, and what it tells. @module */
import type { Logger } from '../logger.ts'
import type { Storage } from '../store/storage.ts'

/** Options of `Janitor`. */
export interface JanitorOptions {
  /** The storage of the `TusApp`, or another one on the same directory. */
  readonly storage: Storage
  readonly completedDir: string
  /** After how long without a byte an unfinished upload goes. @defaultValue 86_400_000 */
  readonly staleUploadAgeMs?: number
  /** After how long a completed upload goes that no worker holds. @defaultValue 604_800_000 */
  readonly completedFileAgeMs?: number
  /** How long an acknowledged upload still answers HEAD. @defaultValue 86_400_000 */
  readonly completedVisibleMs?: number
  /**
   * What becomes of uploads that are complete but did not reach the queue.
   *
   * @defaultValue 'finalize'
   */
  readonly zombies?: 'finalize' | 'delete'
  /**
   * How an upload goes on that is complete and waits for `onComplete`, `sniff` or `sha256` of a `TusApp`, or
   * whose digest a client has told or asked: `(id) => tus.complete(id)`. Without it such uploads are reported, and wait for their clients.
   */
  readonly complete?: ((id: string) => Promise<boolean>) | undefined
  /** @defaultValue the console */
  readonly logger?: Logger
}

/** What one pass did. */
export interface JanitorCounts {
  /** Complete uploads moved into the queue. */
  finalized: number
  /** Unfinished uploads removed, stale ones and halves of creations. */
  stale: number
  /** Records without data removed. */
  orphaned: number
  /** Completed uploads removed because nobody took them in time. */
  expired: number
  /** Damaged completed uploads moved to `dead/`. */
  buried: number
  /** Unfinished uploads whose record is damaged; left where they are. */
  corrupt: number
  /** Tombstones, temporary files and old contents of `dead/` removed. */
  swept: number
  /** Complete uploads that wait for a verdict which nobody here can give. */
  waiting: number
  /** Entries that could not be dealt with. */
  failed: number
}

/** How often `Janitor.start` runs. */
export interface JanitorStartOptions {
  /** Milliseconds from one pass to the next, give or take a tenth. @defaultValue 3_600_000 */
  readonly intervalMs?: number
}

/**
 * Looks that need no I/O thread, for everything is in memory: measured, two thirds of what a look costs with
 * one. Whatever is unusual is left to a thread, also that there is nothing.
 *
 * @module
 */
import { closeSync, fstatSync } from 'node:fs'
import type { CachedFiles } from './cached-files.ts'
import type { UploadReading } from './info.ts'
import { dataPath, recordPath } from './layout.ts'
import type { Posix } from './posix.ts'
import { isOlder } from './sync-times.ts'

/** Where to look, and how. */
export interface CachedLookOptions {
  readonly directory: string
  readonly files: CachedFiles
  readonly posix: Pick<Posix, 'isMarked'>
  /** When the directory was last synced, in milliseconds since 1970; absent where nothing is. */
  readonly syncedAt?: (() => number) | undefined
}

export class CachedLook {
  readonly #options: CachedLookOptions

  constructor(options: CachedLookOptions) {
    this.#options = options
  }

  /** The upload as `info` tells it. */
  info(id: string): UploadReading | undefined {
    return this.#look(id, () => true)
  }

  /** The same while no request of another process holds it. */
  settledInfo(id: string): UploadReading | undefined {
    return this.#look(id, (fd) => !this.#options.posix.isMarked(fd))
  }

  /** What fails here is left to a thread, which says why. */
  #look(id: string, suits: (fd: number) => boolean): UploadReading | undefined {
    const { directory, files } = this.#options
    const fd = files.open(dataPath(directory, id))
    if (fd === undefined) return undefined
    try {
      const json = suits(fd) ? this.#read(recordPath(directory, id)) : undefined
      // After the record: what it tells of must be there by then.
      const stats = json === undefined ? undefined : fstatSync(fd)
      return json !== undefined && stats?.isFile() ? { json, size: stats.size } : undefined
    } catch {
      return undefined
    } finally {
      closeSync(fd)
    }
  }

  /** A record that is durable. */
  #read(path: string): string | undefined {
    const { files, syncedAt } = this.#options
    const fd = files.open(path)
    if (fd === undefined) return undefined
    try {
      const stats = fstatSync(fd)
      const suits = stats.isFile() && (!syncedAt || isOlder(stats, syncedAt()))
      return suits ? files.readText(fd, stats.size) : undefined
    } finally {
      closeSync(fd)
    }
  }
}

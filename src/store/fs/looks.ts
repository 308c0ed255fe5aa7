/** Looks at uploads: at once where that cannot wait, else in an I/O thread. @module */
import type { StoredUpload } from '../upload.ts'
import { cachedFiles } from './cached-files.ts'
import { CachedLook } from './cached-look.ts'
import { whenGathered } from './gather.ts'
import { toUpload, type UploadReading } from './info.ts'
import type { IoPool } from './io-pool.ts'
import { loadPosix } from './posix.ts'
import type { StopRequest } from './stop-requests.ts'

/** The storage they are at. */
export interface LooksOptions {
  readonly directory: string
  readonly native: boolean
}

export class Looks {
  readonly #pool: IoPool
  readonly #cached: CachedLook | undefined
  #waiting = 0
  #together: Promise<void> | undefined

  constructor(pool: IoPool, { directory, native }: LooksOptions) {
    this.#pool = pool
    const files = native ? cachedFiles(directory) : undefined
    if (!files) return
    const syncedAt = pool.fsync ? () => pool.syncedAt : undefined
    this.#cached = new CachedLook({ directory, files, posix: loadPosix(), syncedAt })
  }

  async info(id: string): Promise<StoredUpload> {
    const reading = await this.#atOnce((cached) => cached.info(id))
    return toUpload(id, reading ?? (await this.#pool.run('info', { id })))
  }

  async settledInfo(id: string, asking: StopRequest): Promise<StoredUpload> {
    const reading = await this.#atOnce((cached) => cached.settledInfo(id))
    return toUpload(id, reading ?? (await this.#pool.untilFree('settledInfo', { id }, asking)))
  }

  /** For many in a row, which would hold up everybody else. */
  async infoInTurn(id: string): Promise<StoredUpload> {
    return toUpload(id, await this.#pool.run('info', { id }))
  }

  /** Resolves when those that were asked for are done, or have gone to a thread. */
  async close(): Promise<void> {
    await this.#together
  }

  async #atOnce(
    look: (cached: CachedLook) => UploadReading | undefined,
  ): Promise<UploadReading | undefined> {
    if (!this.#cached || this.#pool.isClosed) return undefined
    await this.#gathered()
    return look(this.#cached)
  }

  #gathered(): Promise<void> {
    this.#waiting++
    this.#together ??= new Promise((resolve) => {
      const begin = (): void => {
        this.#waiting = 0
        this.#together = undefined
        resolve()
      }
      whenGathered(() => this.#waiting, begin)
    })
    return this.#together
  }
}

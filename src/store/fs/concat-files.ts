/** Concatenation as the storage offers it. @module */
import type { Concatenation, ConcatRequest } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import type { IoPool } from './io-pool.ts'

/** Bytes that one call copies: where the file system shares no blocks, a fraction of a second. */
const STEP_BYTES = 64 * 2 ** 20

export class FilesystemConcatenation implements Concatenation {
  readonly #pool: IoPool
  readonly #completed: (completedDir: string) => string

  constructor(pool: IoPool, completed: (completedDir: string) => string) {
    this.#pool = pool
    this.#completed = completed
  }

  async concat(id: string, { completedDir, signal }: ConcatRequest): Promise<StoredUpload> {
    const place = { id, completedDir: this.#completed(completedDir) }
    const { fd, parts } = await this.#pool.untilFree('openFinal', { id })
    let sealed = false
    try {
      let position = 0
      for (const part of parts) position += await this.#copy(fd, part, { position, signal })
      const upload = await this.#pool.untilFree('sealFinal', { ...place, fd, length: position })
      sealed = true
      return upload
    } finally {
      await this.#pool.run('closeFinal', { fd, sealed })
    }
  }

  async want(id: string, parts: readonly string[]): Promise<void> {
    await Promise.all(parts.map((part) => this.#pool.run('want', { id, part })))
  }

  unwant(id: string, part: string): Promise<void> {
    return this.#pool.run('unwant', { id, part })
  }

  wantedBy(part: string): Promise<string[]> {
    return this.#pool.run('wantedBy', { part })
  }

  async #copy(
    fd: number,
    part: string,
    { position, signal }: { readonly position: number; readonly signal: AbortSignal },
  ): Promise<number> {
    for (let start = 0; ; ) {
      signal.throwIfAborted()
      const step = { fd, part, start, position: position + start, most: STEP_BYTES }
      const { length, copied } = await this.#pool.run('copyPart', step)
      start += copied
      if (start >= length) return length
    }
  }
}

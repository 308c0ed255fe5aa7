/**
 * Take-over between processes of one host: a newcomer asks by a file, the holder sees it by inotify,
 * records what it has and lets go.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../logger.ts'
import { parseName, STOP } from './layout.ts'

export class StopRequests {
  readonly #directory: string
  readonly #logger: Logger
  /** Our own requests are not for us. */
  readonly #token = randomUUID()
  readonly #listeners = new Set<(id: string) => void>()
  #requests = 0
  #watcher: FSWatcher | undefined

  constructor(directory: string, logger: Logger) {
    this.#directory = join(directory, STOP)
    this.#logger = logger
  }

  /** Calls `listener` with each upload that another process wants. */
  listen(listener: (id: string) => void): void {
    this.#listeners.add(listener)
    if (this.#watcher) return
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, (_event, name) => {
        if (name !== null) this.#receive(name)
      })
      this.#watcher.on('error', (error) => this.#unwatched(error))
    } catch (error) {
      this.#unwatched(error)
    }
  }

  /** Runs `act`; its argument asks whoever holds the upload now to let go. Takes the request back. */
  async during<T>(id: string, act: (ask: () => void) => Promise<T>): Promise<T> {
    let asked: Promise<void> | undefined
    const path = `${this.#directory}/${id}.${this.#token}.${++this.#requests}`
    try {
      return await act(() => {
        // Should that fail, the newcomer only waits longer.
        const write = (): Promise<void> => writeFile(path, '')
        asked = (asked ?? Promise.resolve()).then(write).catch((error) => this.#unasked(id, error))
      })
    } finally {
      await asked
      if (asked) await rm(path, { force: true })
    }
  }

  close(): void {
    this.#watcher?.close()
  }

  /** A request that is gone again was meant for an earlier holder. */
  #receive(name: string): void {
    const [id = '', token] = name.split('.')
    if (token === this.#token || parseName(id) === undefined) return
    if (!existsSync(join(this.#directory, name))) return
    for (const listener of this.#listeners) listener(id)
  }

  #unwatched(error: unknown): void {
    this.#logger.warn(`requests of other processes to let an upload go are not seen: ${error}`)
  }

  #unasked(id: string, error: unknown): void {
    this.#logger.warn('another process could not be asked to let an upload go', { id, error })
  }
}

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

  /** To ask whoever holds the upload to let go. Mostly nobody does: until it is used it costs nothing. */
  request(id: string): StopRequest {
    return new StopRequest(this, id)
  }

  /** A file for a request, whose name says from whom it is and which upload is wanted. */
  newPath(id: string): string {
    return `${this.#directory}/${id}.${this.#token}.${++this.#requests}`
  }

  failed(id: string, error: unknown): void {
    this.#logger.warn('another process could not be asked to let an upload go', { id, error })
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
}

const ASKED = Promise.resolve()

/** What one newcomer asks, as often as somebody else has become the holder. */
export class StopRequest {
  readonly #requests: StopRequests
  readonly #id: string
  #path: string | undefined
  #asked: Promise<void> = ASKED

  constructor(requests: StopRequests, id: string) {
    this.#requests = requests
    this.#id = id
  }

  /** Returns at once. Should it fail, the newcomer only waits longer. */
  ask(): void {
    this.#path ??= this.#requests.newPath(this.#id)
    const path = this.#path
    const write = (): Promise<void> => writeFile(path, '')
    const failed = (error: unknown): void => this.#requests.failed(this.#id, error)
    this.#asked = this.#asked.then(write).catch(failed)
  }

  /** Nobody shall take it for a wish of later. */
  async takeBack(): Promise<void> {
    if (this.#path === undefined) return
    await this.#asked
    await rm(this.#path, { force: true })
  }
}

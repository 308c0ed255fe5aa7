/**
 * The queue of completed uploads in a directory. A claim costs the same however many wait: names
 * come from signals and from one listing that goes on where the last claim left it.
 *
 * @module
 */
import { type FSWatcher, watch } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { Claim, ClaimOptions, CompletedQueue } from '../completed-queue.ts'
import type { StoredUpload } from '../upload.ts'
import { FilesystemClaim } from './filesystem-claim.ts'
import { isBusy } from './io-call.ts'
import type { IoPool } from './io-pool.ts'
import { parseName } from './layout.ts'
import { readNames } from './read-names.ts'

/** The net below the signals: a dead worker's lock falls without telling anybody. */
const POLL_MS = 1000
/** What one worker has handed back is not the first that it gets again. */
const RELEASED_MS = 100
/** Its finalizer may still hold a fresh upload for the length of a sync. */
const FRESH_RETRY_MS = [2, 5, 10, 20, 40, 80, 160] as const
/** More names than this are left to the next listing. */
const MAX_READY = 10_000

type Waiter = (id: string | undefined) => void

export class FilesystemQueue implements CompletedQueue {
  readonly completedDir: string
  readonly #pool: IoPool
  readonly #logger: Logger
  readonly #held = new Set<string>()
  /** Names that signals brought, each with the number of attempts so far. */
  readonly #ready = new Map<string, number>()
  /** Names whose removal will be signalled: that is no news. */
  readonly #acknowledged = new Set<string>()
  readonly #unreadable = new Set<string>()
  readonly #waiters = new Set<Waiter>()
  readonly #retries = new Set<NodeJS.Timeout>()
  #listing: AsyncGenerator<string, void, void> | undefined
  #watcher: FSWatcher | undefined
  #poll: NodeJS.Timeout | undefined
  #listedAt = Number.NEGATIVE_INFINITY
  #listedTurn = false
  #started = false
  #closed = false

  constructor(pool: IoPool, completedDir: string, logger: Logger) {
    this.#pool = pool
    this.completedDir = completedDir
    this.#logger = logger
  }

  async claim({ signal, counted = false }: ClaimOptions): Promise<Claim> {
    this.#start()
    for (;;) {
      const [id, attempts] = await this.#next(signal)
      if (id === undefined || this.#held.has(id)) continue
      const claim = await this.#tryClaim(id, attempts, counted)
      if (claim && !isCancelled(signal)) return claim
      await claim?.release()
    }
  }

  find(id: string): Promise<StoredUpload | undefined> {
    return this.#pool.run('find', { id, completedDir: this.completedDir })
  }

  /** Whether a worker of this process has it. */
  holds(id: string): boolean {
    return this.#held.has(id)
  }

  notify(id: string): void {
    this.#offer(id, 0)
  }

  close(): void {
    this.#closed = true
    this.#watcher?.close()
    clearTimeout(this.#poll)
    for (const timer of this.#retries) clearTimeout(timer)
    void this.#listing?.return()
    this.#wakeAll()
  }

  async #tryClaim(
    id: string,
    attempts: number | undefined,
    counted: boolean,
  ): Promise<Claim | undefined> {
    this.#held.add(id)
    let claim: Claim | undefined
    try {
      const place = { id, completedDir: this.completedDir }
      const result = await this.#pool.run('claim', { ...place, counted })
      if ('fd' in result) {
        const facts = { ...place, ...result }
        claim = new FilesystemClaim(this.#pool, facts, counted, (how) => this.#letGo(id, how))
      } else if (isBusy(result)) {
        if (attempts !== undefined) this.#retry(id, attempts)
      } else if ('notBeforeMs' in result) {
        this.#offerAt(id, result.notBeforeMs)
      } else if ('buried' in result) {
        this.#logger.error(`completed upload moved to dead: ${result.buried}`, { id })
      } else if ('unreadable' in result && !this.#unreadable.has(id)) {
        // Every listing meets it again; it is said once.
        this.#unreadable.add(id)
        this.#logger.error(`completed upload left alone: ${result.unreadable}`, { id })
      }
      return claim
    } finally {
      if (!claim) this.#held.delete(id)
    }
  }

  #letGo(id: string, how: 'acknowledged' | 'released'): void {
    this.#held.delete(id)
    if (how === 'released') {
      this.#offerIn(RELEASED_MS, id, 0)
      return
    }
    if (this.#acknowledged.size >= MAX_READY) this.#acknowledged.clear()
    this.#acknowledged.add(id)
  }

  /** The next name to try; only a signalled one has a number of attempts. */
  async #next(signal: AbortSignal): Promise<readonly [string | undefined, number | undefined]> {
    if (isCancelled(signal)) throw signal.reason
    if (this.#closed) throw new UploadError('ERR_SHUTTING_DOWN', 'the storage is closed')
    if (performance.now() - this.#listedAt >= POLL_MS) this.#list()
    // By turns, so that neither source can starve the other.
    this.#listedTurn = !this.#listedTurn
    const first = this.#listedTurn ? await this.#nextListed() : undefined
    if (first !== undefined) return [first, undefined]
    for (const [id, attempts] of this.#ready) {
      this.#ready.delete(id)
      return [id, attempts]
    }
    const listed = await this.#nextListed()
    if (listed !== undefined) return [listed, undefined]
    if (this.#ready.size > 0) return [undefined, undefined]
    signal.throwIfAborted()
    await this.#wait(signal)
    return [undefined, undefined]
  }

  async #nextListed(): Promise<string | undefined> {
    const listing = this.#listing
    const listed = await listing?.next()
    if (listed?.done === false) return listed.value
    if (listing === this.#listing) this.#listing = undefined
    return undefined
  }

  #list(): void {
    if (this.#listing) return
    this.#listing = this.#ids()
    this.#listedAt = performance.now()
  }

  #wait(signal: AbortSignal): Promise<unknown> {
    if (signal.aborted || this.#closed) return Promise.resolve()
    return new Promise<unknown>((resolve) => {
      const done: Waiter = (value) => {
        this.#waiters.delete(done)
        signal.removeEventListener('abort', onAbort)
        if (this.#waiters.size === 0) clearTimeout(this.#poll)
        resolve(value)
      }
      const onAbort = (): void => done(undefined)
      signal.addEventListener('abort', onAbort)
      const due = Math.max(0, this.#listedAt + POLL_MS - performance.now())
      if (this.#waiters.size === 0) this.#poll = setTimeout(() => this.#wakeAll(), due)
      this.#waiters.add(done)
    })
  }

  #wakeAll(): void {
    for (const waiter of [...this.#waiters]) waiter(undefined)
  }

  #offer(id: string, attempts: number): void {
    if (this.#held.has(id) || this.#closed) return
    if (this.#ready.size < MAX_READY) this.#ready.set(id, attempts)
    else this.#list()
    for (const waiter of this.#waiters) {
      waiter(id)
      break
    }
  }

  #retry(id: string, attempts: number): void {
    const wait = FRESH_RETRY_MS[attempts]
    if (wait !== undefined) this.#offerIn(wait, id, attempts + 1)
  }

  /** The listing would meet it again within a second; this is more exact. */
  #offerAt(id: string, timeMs: number): void {
    const wait = timeMs - Date.now()
    if (wait < POLL_MS) this.#offerIn(Math.max(0, wait), id, 0)
  }

  #offerIn(ms: number, id: string, attempts: number): void {
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      this.#offer(id, attempts)
    }, ms)
    timer.unref()
    this.#retries.add(timer)
  }

  /** Signals first, then the listing: what completes in between is in one of them. */
  #start(): void {
    if (this.#started || this.#closed) return
    this.#started = true
    try {
      this.#watcher = watch(this.completedDir, { persistent: false }, (_event, name) => {
        const found = name === null ? undefined : parseName(name)
        if (found?.kind !== 'data' || this.#acknowledged.delete(found.id)) return
        this.#offer(found.id, 0)
      })
      this.#watcher.on('error', (error) => this.#unwatched(error))
    } catch (error) {
      this.#unwatched(error)
    }
    this.#list()
  }

  #unwatched(error: unknown): void {
    this.#logger.warn(`completed uploads of other processes are seen by polling only: ${error}`)
  }

  async *#ids(): AsyncGenerator<string, void, void> {
    for await (const names of readNames(this.completedDir)) {
      for (const name of names) {
        const found = parseName(name)
        if (found?.kind === 'data' && !this.#held.has(found.id)) yield found.id
      }
    }
  }
}

/** Running out of time only ends the waiting: what is there to be had at that moment is taken. */
function isCancelled(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason?.name !== 'TimeoutError'
}

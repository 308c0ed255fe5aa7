/** Cleaning up: what crashes and absent clients leave behind. @module */
import { UploadError } from '../errors.ts'
import { consoleLogger, type Logger } from '../logger.ts'
import type { Storage, StoredEntry } from '../store/storage.ts'
import type { JanitorCounts, JanitorOptions, JanitorStartOptions } from './options.ts'
import { decide, type JanitorPolicy } from './rules.ts'

const DEFAULTS = {
  staleUploadAgeMs: 86_400_000,
  completedFileAgeMs: 604_800_000,
  completedVisibleMs: 86_400_000,
  intervalMs: 3_600_000,
} as const

/** Entries in hand at once: they share hops to the I/O threads without crowding out requests. */
const CONCURRENCY = 16

/** The longest that a timer can run. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** How far the wall clock may be corrected. */
const CLOCK_SLACK_MS = 3_600_000

const COUNTED = {
  upload: 'stale',
  'unrecorded-data': 'stale',
  'orphaned-record': 'orphaned',
  'completed-orphaned-record': 'orphaned',
  completed: 'expired',
  tombstone: 'swept',
  dead: 'swept',
  temporary: 'swept',
  quota: 'swept',
  'corrupt-upload': 'corrupt',
  'completed-corrupt': 'buried',
} as const satisfies Record<StoredEntry['kind'], keyof JanitorCounts>

/**
 * Removes what is stale and repairs what a crash left. Safe beside running servers, workers and
 * other janitors: what somebody holds it leaves alone.
 *
 * @example
 * ```ts
 * import { FilesystemStorage, Janitor } from 'tussi'
 *
 * const storage = new FilesystemStorage({ directory: './uploads' })
 * const janitor = new Janitor({ storage, completedDir: './completed' })
 * console.log(await janitor.run())
 * await storage.close()
 * ```
 */
export class Janitor {
  readonly #storage: Storage
  readonly #completedDir: string
  readonly #policy: JanitorPolicy
  readonly #logger: Logger
  readonly #judge: JanitorOptions['complete']
  readonly #started = { wallMs: Date.now(), steadyMs: performance.now() }
  #timer: NodeJS.Timeout | undefined
  #running: Promise<JanitorCounts> | undefined
  #stop = new AbortController()

  /** @throws `TypeError` for a wrong option */
  constructor(options: JanitorOptions) {
    const { storage, completedDir, zombies = 'finalize', logger = consoleLogger } = options
    if (typeof storage?.entries !== 'function') {
      throw new TypeError(`storage must be a Storage, got ${String(storage)}`)
    }
    if (typeof completedDir !== 'string' || completedDir === '') {
      throw new TypeError(`completedDir must be a path, got ${JSON.stringify(completedDir)}`)
    }
    if (zombies !== 'finalize' && zombies !== 'delete') {
      throw new TypeError(`zombies must be 'finalize' or 'delete', got ${String(zombies)}`)
    }
    this.#policy = Object.freeze({
      staleUploadAgeMs: duration(options, 'staleUploadAgeMs'),
      completedFileAgeMs: duration(options, 'completedFileAgeMs'),
      completedVisibleMs: duration(options, 'completedVisibleMs'),
      zombies,
    })
    this.#storage = storage
    this.#completedDir = completedDir
    this.#logger = logger
    this.#judge = options.complete
  }

  /** One pass. A pass that is under way is joined, not doubled. */
  run(): Promise<JanitorCounts> {
    this.#running ??= this.#sweep(this.#stop.signal).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Runs now and then again and again. Does not keep the process alive. */
  start(options: JanitorStartOptions = {}): void {
    const intervalMs = duration(options, 'intervalMs')
    if (this.#timer) throw new TypeError('the janitor was started before')
    const pass = (): void => {
      this.run().catch((error) => this.#logger.error('the janitor failed', { error }))
      // Janitors of processes that started together must not stay together.
      const wait = Math.min(intervalMs * (0.9 + Math.random() * 0.2), MAX_TIMER_MS)
      this.#timer = setTimeout(pass, wait).unref()
    }
    this.#timer = setTimeout(pass, 0).unref()
  }

  /** Ends the repetition and waits for the pass under way, which ends early. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const stop = this.#stop
    // Renewed at once: a pass that somebody asks for while this one ends is not to end as well.
    this.#stop = new AbortController()
    stop.abort()
    await this.#running?.catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #sweep(stop: AbortSignal): Promise<JanitorCounts> {
    const counts: JanitorCounts = {
      finalized: 0,
      stale: 0,
      orphaned: 0,
      expired: 0,
      buried: 0,
      corrupt: 0,
      swept: 0,
      waiting: 0,
      failed: 0,
    }
    const underWay = new Set<Promise<void>>()
    try {
      for await (const entry of this.#storage.entries(this.#completedDir)) {
        if (stop.aborted) break
        const task = this.#treat(entry, counts).finally(() => underWay.delete(task))
        underWay.add(task)
        if (underWay.size >= CONCURRENCY) await Promise.race(underWay)
      }
    } finally {
      // Also when the listing failed: whoever waits for the pass may close the storage next.
      await Promise.all(underWay)
    }
    return counts
  }

  async #treat(entry: StoredEntry, counts: JanitorCounts): Promise<void> {
    const { kind, id, reason = 'damaged' } = entry
    try {
      const action = decide(entry, this.#now(), this.#policy)
      if (action === 'keep') return
      if (action === 'finalize') {
        if (!(await this.#storage.finalize(id, this.#completedDir))) return
        counts.finalized++
      } else if (action === 'assemble') {
        return await this.#assemble(entry, counts)
      } else if (action === 'complete') {
        return await this.#complete(entry, counts)
      } else if (action === 'report') {
        counts.corrupt++
      } else {
        const done =
          action === 'bury'
            ? await this.#storage.bury(entry, this.#completedDir, reason)
            : await this.#storage.discard(entry, this.#completedDir)
        if (!done) return
        counts[COUNTED[kind]]++
      }
      this.#tell(action, entry)
    } catch (error) {
      counts.failed++
      this.#logger.error(`the janitor could not deal with ${kind} ${id}`, { error })
    }
  }

  /** What a crash, or a part that came to another process, has left to do. */
  async #assemble(entry: StoredEntry, counts: JanitorCounts): Promise<void> {
    const { id } = entry
    if (this.#judge) return this.#complete(entry, counts)
    const letGo = await this.#storage.hold?.(id)
    try {
      const request = { completedDir: this.#completedDir, signal: this.#stop.signal }
      const upload = await this.#storage.concatenation?.concat(id, request)
      if (upload) counts.finalized++
      await this.#consume(id, upload?.notes.concat?.parts ?? [])
    } finally {
      await letGo?.()
    }
    this.#tell('assemble', entry)
  }

  /** The bytes of these parts are in the final upload now. Of one that cannot be removed the age tells. */
  async #consume(id: string, parts: readonly string[]): Promise<void> {
    const { concatenation } = this.#storage
    const end = { completedDir: this.#completedDir, end: 'acknowledged' } as const
    for (const part of new Set(parts)) {
      await concatenation?.unwant(id, part)
      const others = (await concatenation?.wantedBy(part)) ?? []
      if (others.length === 0) await this.#storage.terminate(part, end)
    }
  }

  /** A refusal is a verdict too: its upload has gone. */
  async #complete(entry: StoredEntry, counts: JanitorCounts): Promise<void> {
    if (!this.#judge) {
      counts.waiting++
      return this.#tell('report', { ...entry, reason: 'it waits for a verdict' })
    }
    try {
      if (await this.#judge(entry.id)) counts.finalized++
    } catch (error) {
      const code = error instanceof UploadError && error.code
      // Another process is at it.
      if (code === 'ERR_UPLOAD_LOCKED') return
      if (code !== 'ERR_REFUSED') throw error
      counts.stale++
    }
    this.#tell('complete', entry)
  }

  /** The wall clock, but not further on than the time that has really passed: a jump ages nothing. */
  #now(): number {
    const { wallMs, steadyMs } = this.#started
    return Math.min(Date.now(), wallMs + (performance.now() - steadyMs) + CLOCK_SLACK_MS)
  }

  #tell(action: string, { kind, id, path, reason }: StoredEntry): void {
    if (kind === 'tombstone' || kind === 'temporary' || kind === 'quota') return
    const fields = { id, path, ...(reason !== undefined && { reason }) }
    if (action === 'report' || action === 'bury')
      this.#logger.error(`janitor: ${action} ${kind}`, fields)
    else this.#logger.info(`janitor: ${action} ${kind}`, fields)
  }
}

function duration<K extends keyof typeof DEFAULTS>(
  options: { readonly [k in K]?: number },
  name: K,
): number {
  const value = options[name] ?? DEFAULTS[name]
  if (Number.isFinite(value) && value >= 0) return value
  throw new TypeError(`${name} must be a number of milliseconds, got ${String(options[name])}`)
}

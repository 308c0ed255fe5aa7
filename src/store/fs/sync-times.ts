/** When directories were last synced, told by the clock that stamps files. @module */

interface Moment {
  readonly wallMs: number
  readonly steadyMs: number
}

export class SyncTimes {
  readonly #times = new Map<string, Moment>()
  readonly #now: () => Moment

  constructor(now = (): Moment => ({ wallMs: Date.now(), steadyMs: performance.now() })) {
    this.#now = now
  }

  /** Runs `sync`; unless it throws, all that stood in `directory` when it began is durable. */
  record(directory: string, sync: () => void): void {
    const began = this.#now()
    sync()
    this.#times.set(directory, began)
  }

  /**
   * When the last sync began, in milliseconds since 1970. A clock that was set back stamps what is newer
   * than that sync with a time before it, so by that clock the sync was so much earlier.
   */
  of(directory: string): number {
    const began = this.#times.get(directory)
    if (began === undefined) return Number.NEGATIVE_INFINITY
    const now = this.#now()
    return Math.min(began.wallMs, now.wallMs - (now.steadyMs - began.steadyMs))
  }
}

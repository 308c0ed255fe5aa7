/** When directories were last synced, told by the clock that stamps files. @module */
import type { Stats } from 'node:fs'

/** By the clock that can be set, and by one that cannot and is the same in all threads. */
export interface Moment {
  readonly wallMs: number
  readonly steadyMs: number
}

/** Kernels stamp files by a clock that ticks every few milliseconds; some file systems keep whole seconds of it. */
const CLOCK_TICK_MS = 10
const SECOND_MS = 1000

/** Whether what `stats` is of was in its directory already when a sync began, at `syncedAt`. */
export function isOlder({ ctimeMs }: Pick<Stats, 'ctimeMs'>, syncedAt: number): boolean {
  const latest = ctimeMs % SECOND_MS === 0 ? ctimeMs + SECOND_MS : ctimeMs
  return latest + CLOCK_TICK_MS < syncedAt
}

/**
 * When it was, in milliseconds since 1970. A clock that was set back stamps what is newer with a time
 * before it, so by that clock it was so much earlier.
 */
function timeOf({ wallMs, steadyMs }: Moment, now: Moment): number {
  return Math.min(wallMs, now.wallMs - (now.steadyMs - steadyMs))
}

function momentNow(): Moment {
  const [seconds, nanoseconds] = process.hrtime()
  return { wallMs: Date.now(), steadyMs: seconds * 1e3 + nanoseconds / 1e6 }
}

export class SyncTimes {
  readonly #times = new Map<string, Moment>()
  readonly #now: () => Moment

  constructor(now: () => Moment = momentNow) {
    this.#now = now
  }

  /** Runs `sync` and says when that was; unless it throws, all that stood in `directory` is durable. */
  record(directory: string, sync: () => void): Moment {
    const began = this.#now()
    sync()
    this.#times.set(directory, began)
    return began
  }

  /** When the last sync began, in milliseconds since 1970. */
  of(directory: string): number {
    const began = this.#times.get(directory)
    return began === undefined ? Number.NEGATIVE_INFINITY : timeOf(began, this.#now())
  }
}

const CHANGES = 0
const WALL = 1
const STEADY = 2

/** A moment that one thread tells and others see, in memory of both. */
export class SharedMoment {
  readonly memory: SharedArrayBuffer
  readonly #cells: BigInt64Array
  readonly #now: () => Moment

  constructor(
    memory: SharedArrayBuffer = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT),
    now: () => Moment = momentNow,
  ) {
    this.memory = memory
    this.#cells = new BigInt64Array(memory)
    this.#now = now
  }

  /** Only one thread may. */
  set({ wallMs, steadyMs }: Moment): void {
    const cells = this.#cells
    Atomics.add(cells, CHANGES, 1n)
    Atomics.store(cells, WALL, BigInt(Math.floor(wallMs)))
    Atomics.store(cells, STEADY, BigInt(Math.floor(steadyMs)))
    Atomics.add(cells, CHANGES, 1n)
  }

  /** When it was, in milliseconds since 1970; never while it is being told. */
  get time(): number {
    const cells = this.#cells
    const before = Atomics.load(cells, CHANGES)
    const wallMs = Number(Atomics.load(cells, WALL))
    const steadyMs = Number(Atomics.load(cells, STEADY))
    const isWhole = before > 0n && before % 2n === 0n && Atomics.load(cells, CHANGES) === before
    return isWhole ? timeOf({ wallMs, steadyMs }, this.#now()) : Number.NEGATIVE_INFINITY
  }
}

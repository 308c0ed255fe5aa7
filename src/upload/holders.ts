/**
 * Who writes to an upload in this process. A newcomer asks the old request to stop and goes on as
 * soon as that has recorded what it got: a dead connection never blocks its successor.
 *
 * @module
 */
import { UploadError } from '../errors.ts'

/** A healthy holder lets go within milliseconds; longer means that its disk hangs. */
const TAKE_OVER_TIMEOUT_MS = 5000

type Stop = (reason: UploadError) => void

const NOTHING = (): void => undefined

class Holder {
  #stop: Stop
  #released = false
  #waiting: (() => void)[] | undefined

  constructor(stop: Stop) {
    this.#stop = stop
  }

  stop(reason: UploadError): void {
    this.#stop(reason)
  }

  release(): void {
    // V8 keeps the tables that a map has outgrown, and what was in them, until a full collection: without
    // this, whole requests with their bodies. Measured: half of what outlived a minor collection.
    this.#stop = NOTHING
    this.#released = true
    for (const resolve of this.#waiting ?? []) resolve()
    this.#waiting = undefined
  }

  /** Mostly nobody waits. */
  released(): Promise<void> {
    if (this.#released) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }
}

export class Holders {
  readonly #holders = new Map<string, Holder>()
  #closed = false

  /**
   * Ends whoever holds the upload, then holds it; resolves with the function that lets go. `stop`
   * is called at most once by each newcomer; `reason` is what the old request is told.
   *
   * @throws `ERR_UPLOAD_LOCKED`, `ERR_SHUTTING_DOWN`
   */
  async take(
    id: string,
    stop: (reason: UploadError) => void,
    reason?: UploadError,
  ): Promise<() => void> {
    // Newcomers that waited for the same holder wake together: only one of them may go on.
    while (this.#holders.has(id)) await this.#interrupt(id, reason)
    if (this.#closed) throw shuttingDown()
    const holder = new Holder(stop)
    this.#holders.set(id, holder)
    return () => {
      this.#holders.delete(id)
      holder.release()
    }
  }

  /** Ends whoever holds the upload; a promise, that it has let go, only where somebody does. @throws `ERR_UPLOAD_LOCKED` */
  interrupt(id: string): Promise<void> | undefined {
    return this.#holders.has(id) ? this.#interrupt(id) : undefined
  }

  async #interrupt(id: string, reason?: UploadError): Promise<void> {
    const deadline = performance.now() + TAKE_OVER_TIMEOUT_MS
    const why = reason ?? interrupted()
    for (let holder = this.#holders.get(id); holder; holder = this.#holders.get(id)) {
      holder.stop(why)
      if (!(await settlesBy(holder.released(), deadline))) {
        throw new UploadError('ERR_UPLOAD_LOCKED', 'the previous request has not let go yet', {
          retryAfterSeconds: 1,
        })
      }
    }
  }

  /** Ends whoever holds the upload, for a request of another process. */
  stop(id: string): void {
    this.#holders.get(id)?.stop(interrupted())
  }

  /** Ends all of them, refuses newcomers, and says whether everybody had let go in time. */
  async close(timeoutMs: number): Promise<boolean> {
    this.#closed = true
    const holders = [...this.#holders.values()]
    for (const holder of holders) holder.stop(shuttingDown())
    const all = Promise.all(holders.map((holder) => holder.released()))
    return settlesBy(all, performance.now() + timeoutMs)
  }
}

function interrupted(): UploadError {
  return new UploadError('ERR_UPLOAD_INTERRUPTED', 'another request has taken over this upload')
}

function shuttingDown(): UploadError {
  return new UploadError('ERR_SHUTTING_DOWN', 'the server is shutting down; resume in a moment', {
    retryAfterSeconds: 1,
  })
}

function settlesBy(promise: Promise<unknown>, deadline: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), Math.max(0, deadline - performance.now()))
    promise.then(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

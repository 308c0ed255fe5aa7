/**
 * Who writes to an upload in this process. A newcomer asks the old request to stop and goes on as
 * soon as that has recorded what it got: a dead connection never blocks its successor.
 *
 * @module
 */
import { UploadError } from '../errors.ts'

/** A healthy holder lets go within milliseconds; longer means that its disk hangs. */
const TAKE_OVER_TIMEOUT_MS = 5000

interface Holder {
  stop: (reason: UploadError) => void
  readonly released: Promise<void>
}

const NOTHING = (): void => undefined

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
    do await this.interrupt(id, reason)
    while (this.#holders.has(id))
    if (this.#closed) throw shuttingDown()
    let resolve = NOTHING
    const released = new Promise<void>((done) => {
      resolve = done
    })
    const holder = { stop, released }
    this.#holders.set(id, holder)
    return () => {
      this.#holders.delete(id)
      // V8 keeps the tables that a map has outgrown, and what was in them, until a full collection: without
      // this, whole requests with their bodies. Measured: half of what outlived a minor collection.
      holder.stop = NOTHING
      resolve()
    }
  }

  /** Ends whoever holds the upload and waits until it has let go. @throws `ERR_UPLOAD_LOCKED` */
  async interrupt(id: string, reason?: UploadError): Promise<void> {
    // Mostly there is nobody, and an error costs more than all the rest of a look.
    if (!this.#holders.has(id)) return
    const deadline = performance.now() + TAKE_OVER_TIMEOUT_MS
    const why = reason ?? interrupted()
    for (let holder = this.#holders.get(id); holder; holder = this.#holders.get(id)) {
      holder.stop(why)
      if (!(await settlesBy(holder.released, deadline))) {
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
    for (const { stop } of holders) stop(shuttingDown())
    const all = Promise.all(holders.map(({ released }) => released))
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

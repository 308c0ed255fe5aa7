/** Bounds what all request bodies of an app together hold in memory. @module */

/** After so much has been in use, and little is, what was freed is worth giving back, but not all the time. */
const MUCH_BYTES = 16 * 2 ** 20
const LITTLE_BYTES = 2 ** 20
const TRIM_AFTER_MS = 1000

export class ByteBudget {
  readonly #limit: number
  readonly #trim: (() => void) | undefined
  readonly #waiting = new Set<() => void>()
  #used = 0
  #muchWasUsed = false
  #timer: NodeJS.Timeout | undefined

  /** `trim` gives freed memory back to the system. */
  constructor(limit: number, trim?: () => void) {
    this.#limit = limit
    this.#trim = trim
  }

  /** Senders have to wait. What has arrived already is taken all the same. */
  get exhausted(): boolean {
    return this.#used >= this.#limit
  }

  take(bytes: number): void {
    this.#used += bytes
    if (this.#used >= MUCH_BYTES) this.#muchWasUsed = true
  }

  give(bytes: number): void {
    this.#used -= bytes
    if (this.#trim && this.#muchWasUsed && this.#used < LITTLE_BYTES) this.#trimLater(this.#trim)
    // One after the other: the first to go on may use up what there is.
    for (const resume of this.#waiting) {
      if (this.exhausted) return
      this.#waiting.delete(resume)
      resume()
    }
  }

  #trimLater(trim: () => void): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#used >= LITTLE_BYTES) return
      this.#muchWasUsed = false
      trim()
    }, TRIM_AFTER_MS).unref()
  }

  /** Calls `resume` once when there is room again. */
  whenRoom(resume: () => void): void {
    this.#waiting.add(resume)
  }
}

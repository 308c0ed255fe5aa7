/** Bounds what all request bodies of an app together hold in memory. @module */

export class ByteBudget {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Senders have to wait. What has arrived already is taken all the same. */
  get exhausted(): boolean {
    return this.#used >= this.#limit
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
    // One after the other: the first to go on may use up what there is.
    for (const resume of this.#waiting) {
      if (this.exhausted) return
      this.#waiting.delete(resume)
      resume()
    }
  }

  /** Calls `resume` once when there is room again. */
  whenRoom(resume: () => void): void {
    this.#waiting.add(resume)
  }
}

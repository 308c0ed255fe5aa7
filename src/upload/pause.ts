/** Iterations that wait between their values, and end at once when nobody wants them any more. @module */

/** Where such an iteration waits. */
export class Pause {
  #stopped = false
  #woken = false
  #resume: (() => void) | undefined

  /** There will be no more waiting: the iteration has to end. */
  get stopped(): boolean {
    return this.#stopped
  }

  readonly wake = (): void => {
    if (this.#resume) this.#resume()
    else this.#woken = true
  }

  readonly stop = (): void => {
    this.#stopped = true
    this.wake()
  }

  /** Resolves when it is woken, or was since the last wait, when it is stopped, or after `timeoutMs`. */
  async wait(timeoutMs?: number): Promise<void> {
    if (!this.#woken && !this.#stopped) await this.#sleep(timeoutMs)
    this.#woken = false
  }

  #sleep(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(this.wake, timeoutMs)
      this.#resume = () => {
        clearTimeout(timer)
        this.#resume = undefined
        resolve()
      }
    })
  }
}

/**
 * The values that `generate` yields, until one of `signals` fires or the consumer leaves. Nothing runs
 * before the first `next`. An async generator alone would let a consumer that leaves wait for the value
 * that it does not want any more.
 */
export function iterate<T>(
  signals: readonly AbortSignal[],
  generate: (pause: Pause) => AsyncGenerator<T, void, undefined>,
): AsyncIterableIterator<T> {
  const pause = new Pause()
  const values = untilStopped(pause, signals, generate)
  return {
    next: () => values.next(),
    return: () => {
      pause.stop()
      return values.return()
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* untilStopped<T>(
  pause: Pause,
  signals: readonly AbortSignal[],
  generate: (pause: Pause) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  for (const signal of signals) {
    if (signal.aborted) pause.stop()
    signal.addEventListener('abort', pause.stop)
  }
  try {
    yield* generate(pause)
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', pause.stop)
  }
}

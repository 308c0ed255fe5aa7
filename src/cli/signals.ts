/** Signals that ask a command to end. @module */
import { constants } from 'node:os'

/** Ctrl+C under npm arrives twice, from the terminal and from npm: that is one wish, not two. */
const SAME_WISH_MS = 500

/** What signals have asked for. */
export interface Stop {
  /** Fires at the first one. */
  readonly signal: AbortSignal
  /** 128 and the number of the signal, as shells count; 0 before one came. */
  exitCode(): number
  /** Asks as SIGINT would: while a question is asked, a terminal sends Ctrl+C as a key. */
  interrupt(): void
}

/** The first signal asks for an orderly end, a second one ends the process at once with 1. */
export function stopOnSignals(...names: readonly NodeJS.Signals[]): Stop {
  const controller = new AbortController()
  let first = 0
  let exitCode = 0
  const stop = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      first = performance.now()
      exitCode = 128 + constants.signals[name]
      controller.abort(new Error(`ended by ${name}`))
    } else if (performance.now() - first > SAME_WISH_MS) process.exit(1)
  }
  for (const name of names) process.on(name, stop)
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    interrupt: () => stop('SIGINT'),
  }
}

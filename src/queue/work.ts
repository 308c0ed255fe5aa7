/** The loop that people write by hand: one completed upload after the other, until each is done. @module */
import type { Logger } from '../logger.ts'
import type { Claim, CompletedQueue } from '../store/completed-queue.ts'
import { CompletedUpload } from './completed-upload.ts'

/** What a handler is told besides the upload. */
export interface WorkContext {
  /** Which attempt this is, from 1. */
  readonly attempt: number
  /** Fires when the work shall end: finish soon, or throw to have the upload handed out again. */
  readonly signal: AbortSignal
}

/** Works on one upload. What it returns is awaited; returning is the acknowledgement. */
export type WorkHandler = (upload: CompletedUpload, context: WorkContext) => unknown

/** How to work. */
export interface WorkOptions {
  /** Uploads at once. @defaultValue 1 */
  readonly concurrency?: number
  /** After how many failed attempts an upload is given up and moved to `dead/`. @defaultValue 5 */
  readonly maxAttempts?: number
  /**
   * How long to wait after a failed attempt, in milliseconds.
   *
   * @defaultValue a second, doubled with each attempt, at most five minutes
   */
  readonly backoff?: (attempt: number) => number
  /** Ends the work: nothing new is begun, what runs is awaited. */
  readonly signal?: AbortSignal
}

interface Work {
  readonly queue: CompletedQueue
  readonly handler: WorkHandler
  readonly logger: Logger
  readonly maxAttempts: number
  readonly backoff: (attempt: number) => number
  readonly signal: AbortSignal
}

/** When the queue itself fails, how long until it is asked again. */
const QUEUE_FAILED_MS = 1000
const MAX_BACKOFF_MS = 300_000

/** Resolves once one of `signals` has fired and all running handlers have ended. */
export async function work(
  { queue, logger }: { readonly queue: CompletedQueue; readonly logger: Logger },
  handler: WorkHandler,
  options: WorkOptions,
  signals: readonly AbortSignal[],
): Promise<void> {
  const { concurrency = 1, maxAttempts = 5, backoff = doubling } = options
  checkCount('concurrency', concurrency)
  checkCount('maxAttempts', maxAttempts)
  const controller = new AbortController()
  const abort = ({ target }: Event): void => controller.abort((target as AbortSignal).reason)
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason)
    signal.addEventListener('abort', abort)
  }
  const { signal } = controller
  const one = { queue, handler, logger, maxAttempts, backoff, signal }
  try {
    await Promise.all(Array.from({ length: concurrency }, () => lane(one)))
  } finally {
    for (const each of signals) each.removeEventListener('abort', abort)
  }
}

/** One upload after the other. */
async function lane(work: Work): Promise<void> {
  const { queue, logger, signal } = work
  while (!signal.aborted) {
    try {
      await attempt(work, await queue.claim({ signal, counted: true }))
    } catch (error) {
      if (signal.aborted) return
      logger.error('the queue of completed uploads failed', { error })
      await sleep(QUEUE_FAILED_MS, signal)
    }
  }
}

async function attempt(work: Work, claim: Claim): Promise<void> {
  const { handler, logger, maxAttempts, signal } = work
  const { id, attempt } = claim
  if (attempt > maxAttempts) {
    // The last attempt did not fail: its process died.
    logger.error('an upload is given up: its workers died', { id, attempts: maxAttempts })
    return claim.bury(`given up after ${maxAttempts} attempts: the last worker died`)
  }
  const upload = new CompletedUpload(claim)
  try {
    await handler(upload, { attempt, signal })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (signal.aborted && !upload.saved) return upload.release()
    const last = attempt >= maxAttempts
    logger.error(last ? 'an upload is given up' : 'work on an upload failed', {
      id,
      attempt,
      error,
    })
    if (last) return upload.fail(`given up after ${attempt} attempts: ${why}`)
    return upload.fail(delayOf(work, attempt))
  }
  await upload.acknowledge()
}

/** A backoff that fails must not cost the claim. */
function delayOf({ backoff, logger }: Work, attempt: number): number {
  try {
    const ms = backoff(attempt)
    if (Number.isFinite(ms) && ms >= 0) return ms
    throw new TypeError(`backoff must return a number of milliseconds, got ${ms}`)
  } catch (error) {
    logger.error('backoff failed', { error })
    return doubling(attempt)
  }
}

function doubling(attempt: number): number {
  return Math.min(1000 * 2 ** (attempt - 1), MAX_BACKOFF_MS)
}

function checkCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return
  throw new TypeError(`${name} must be a whole number from 1, got ${value}`)
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

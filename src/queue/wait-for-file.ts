/** Waiting for the next completed upload. @module */
import type { CompletedQueue } from '../store/completed-queue.ts'
import { CompletedUpload } from './completed-upload.ts'

/** How long and until when to wait. */
export interface WaitForFileOptions {
  /** Milliseconds; `Infinity` waits for ever. @defaultValue 3_600_000 */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const DEFAULT_TIMEOUT_MS = 3_600_000
/** The longest that a timer can run, about 24 days; longer is for ever. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Waits until there is a completed upload. Rejects with an error named `TimeoutError`, or with the
 * reason of whichever of `signals` aborts first.
 */
export async function waitForFile(
  queue: CompletedQueue,
  timeoutMs: number | undefined,
  signals: readonly AbortSignal[],
): Promise<CompletedUpload> {
  const wait = timeoutMs ?? DEFAULT_TIMEOUT_MS
  if (!(wait >= 0)) throw new TypeError(`timeoutMs must be at least 0, got ${wait}`)
  const controller = new AbortController()
  const abort = ({ target }: Event): void => controller.abort((target as AbortSignal).reason)
  // Not AbortSignal.any: a long-lived signal would keep one entry for every wait.
  for (const signal of signals) {
    signal.throwIfAborted()
    signal.addEventListener('abort', abort)
  }
  const timeout = new DOMException(`no completed upload within ${wait} ms`, 'TimeoutError')
  const end = (): void => controller.abort(timeout)
  const timer = wait > MAX_TIMEOUT_MS ? undefined : setTimeout(end, wait)
  try {
    return new CompletedUpload(await queue.claim({ signal: controller.signal }))
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', abort)
  }
}

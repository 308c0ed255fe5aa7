/** Options of the calls of an app. @module */

/** How long to wait for running requests. */
export interface CloseOptions {
  /** Milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number
}

/** Until when to follow. */
export interface FollowOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal
}

/** How an upload is stopped. */
export interface StopOptions {
  /** From 400 to 499. @defaultValue 403 */
  readonly status?: number
}

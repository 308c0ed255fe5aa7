/** How small uploads, and the requests that bring them, may be. Pure. @module */

/** In bytes, 0 for no limit. */
export interface Minima {
  /** Of a whole upload. */
  readonly size: number
  /** Of the content of a request that does not end its upload. */
  readonly chunkSize: number
}

const NONE: Minima = { size: 0, chunkSize: 0 }

/** Of an upload: never more than it was begun with, for its client counts on that. */
export function minimaOf(now: Minima, begun: Minima = NONE): Minima {
  return {
    size: Math.min(now.size, begun.size),
    chunkSize: Math.min(now.chunkSize, begun.chunkSize),
  }
}

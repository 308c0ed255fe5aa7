/** Work of many requests that is done together. @module */

/** More do not wait for further ones. */
const MANY = 64

/**
 * Calls `then` as soon as a turn of the event loop has brought nothing more, or there is much already; `count`
 * tells how much. Reading, working and answering for one after the other needs a tenth to two fifths more
 * time than each of the three for all: each finds its code and data in the processor's caches, and others are
 * woken less often.
 */
export function whenGathered(count: () => number, then: () => void): void {
  let seen = 0
  const look = (): void => {
    const now = count()
    if (now === seen || now >= MANY) {
      then()
      return
    }
    seen = now
    setImmediate(look)
  }
  setImmediate(look)
}

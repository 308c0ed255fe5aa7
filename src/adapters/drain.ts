/** Lets a refused client read its answer. @module */
import type { NodeRequest } from './node-request.ts'

/** Who sends more than this, or for longer, after its answer has to live with a reset. */
export const MAX_DRAINED_BYTES: number = 64 * 2 ** 20
export const MAX_DRAINED_MS = 500

/**
 * Reads and drops the rest of a request, within bounds. A socket that is closed while unread bytes
 * lie in it resets the connection, and the reset can overtake the answer.
 */
export function drain(req: NodeRequest): Promise<void> {
  return new Promise((resolve) => {
    let left = MAX_DRAINED_BYTES
    const onData = (piece: Uint8Array): void => {
      left -= piece.byteLength
      if (left < 0) done()
    }
    const done = (): void => {
      clearTimeout(timer)
      req.off('data', onData)
      resolve()
    }
    const timer = setTimeout(done, MAX_DRAINED_MS)
    req.on('data', onData).once('end', done).once('error', done).once('close', done)
    req.resume()
    if (req.destroyed || req.readableEnded) done()
  })
}

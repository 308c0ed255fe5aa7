/**
 * A virtual machine gives freed memory back to its host, and gets it again by a fault for each page: to
 * whoever happens to come first. What a load is going to store is touched before, so that nobody pays.
 *
 * @module
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'

const PIECE = Buffer.alloc(16 * 2 ** 20)

/** @param {number} bytes */
export function warmMemory(bytes) {
  const path = `/dev/shm/tussi-bench-memory-${process.pid}`
  const fd = openSync(path, 'w')
  try {
    for (let left = bytes; left > 0; left -= PIECE.length) writeSync(fd, PIECE)
  } finally {
    closeSync(fd)
    rmSync(path)
  }
}

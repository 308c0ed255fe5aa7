/** As many connections as leave descriptors for the files that they write to. @module */
import { readFileSync } from 'node:fs'

/** What the process itself has open: libraries, pipes, I/O threads, the two directories. */
const OWN = 40
/** A connection and the upload that it sends. */
const EACH = 2

/** `undefined` where the limit of open files is not known. */
export function maxConnections(limitsFile = '/proc/self/limits'): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync(limitsFile, 'utf8'))
    return limit ? Math.max(1, Math.floor((Number(limit[1]) - OWN) / EACH)) : undefined
  } catch {
    return undefined
  }
}

/** What a body may be: so large, so small, and not too slow. Enforced while it streams. @module */
import { UploadError } from '../errors.ts'
import type { Batch, Content } from '../store/storage.ts'
import { checkBrought, type Least } from './minima.ts'

/** Enforces the limit while streaming: a body without Content-Length, or with a wrong one. */
export function limited(content: Content, maxChunkSize: number | null): Content {
  if (maxChunkSize === null) return content
  let total = 0
  return {
    async read(timeoutMs?: number): Promise<Batch> {
      const batch = await content.read(timeoutMs)
      total += batch.byteLength
      if (total > maxChunkSize) throw chunkTooLarge(maxChunkSize)
      return batch
    },
  }
}

/**
 * Refuses a body that has come to its end too early, instead of handing out its last batch. One that was cut
 * off has not, and keeps what arrived.
 */
export function enough(content: Content, least: Least | undefined): Content {
  if (!least) return content
  let total = 0
  return {
    async read(timeoutMs?: number): Promise<Batch> {
      const batch = await content.read(timeoutMs)
      total += batch.byteLength
      if (batch.last) checkBrought(total, least)
      return batch
    },
  }
}

/** How patient to be with a sender. */
export interface Pace {
  readonly idleTimeoutMs: number
  readonly minBytesPerSecond: number
}

/** Long enough that a short stumble does not count. */
const RATE_WINDOW_MS = 10_000

/**
 * Ends a body whose sender is silent or too slow. Only the time spent waiting for it counts, not
 * that of a slow disk.
 */
export function paced(content: Content, { idleTimeoutMs, minBytesPerSecond }: Pace): Content {
  let idleMs = 0
  const window = { waitedMs: 0, bytes: 0 }
  return {
    async read(timeoutMs?: number): Promise<Batch> {
      for (;;) {
        const left = idleTimeoutMs - idleMs
        const before = performance.now()
        const batch = await content.read(Math.min(left, timeoutMs ?? left))
        const waited = performance.now() - before
        idleMs = batch.byteLength > 0 ? 0 : idleMs + waited
        window.waitedMs += waited
        window.bytes += batch.byteLength
        if (batch.last) return batch
        // A timer may fire a little early.
        if (idleMs + 1 >= idleTimeoutMs) throw tooSlow(`nothing came for ${idleTimeoutMs} ms`)
        if (window.waitedMs >= RATE_WINDOW_MS) {
          const rate = (window.bytes * 1000) / window.waitedMs
          if (rate < minBytesPerSecond)
            throw tooSlow(`less than ${minBytesPerSecond} bytes a second`)
          window.waitedMs = 0
          window.bytes = 0
        }
        if (batch.byteLength > 0 || timeoutMs !== undefined) return batch
      }
    },
  }
}

function tooSlow(why: string): UploadError {
  return new UploadError('ERR_READ_TIMEOUT', `the body stopped arriving: ${why}`)
}

export function chunkTooLarge(maxChunkSize: number): UploadError {
  return new UploadError(
    'ERR_CHUNK_SIZE_EXCEEDED',
    `a request body may have up to ${maxChunkSize} bytes: set the client's chunk size ` +
      `(chunkSize in tus-js-client, chunk_size in tuspy) to at most that`,
  )
}

/** Watching one upload, whichever process receives it. @module */
import { glance, isWaiting } from './look-up.ts'
import { iterate } from './pause.ts'
import type { Uploads } from './uploads.ts'

/** How far an upload is. */
export interface UploadProgress {
  /** Durable bytes. */
  readonly offset: number
  /** Total bytes, or `null` while unknown. */
  readonly length: number | null
}

/**
 * Where the upload stands, then each change of that, at most one an interval, until it is complete or
 * gone. It is looked at when the next value is asked for, so that a slow consumer gets the latest one;
 * an end in this process is told at once.
 */
export function followProgress(
  uploads: Uploads,
  id: string,
  signals: readonly AbortSignal[],
): AsyncIterableIterator<UploadProgress> {
  return iterate(signals, async function* (pause) {
    const letGo = uploads.feed.onEnd(id, pause.wake)
    let told: UploadProgress | undefined
    try {
      while (!pause.stopped) {
        const due = performance.now() + uploads.progressIntervalMs
        const upload = await glance(uploads, id)
        if (!upload || pause.stopped) return
        const { offset, length, state } = upload
        if (offset !== told?.offset || length !== told.length) {
          told = { offset, length }
          yield told
        }
        if (state !== 'receiving' && !isWaiting(upload)) return
        const restMs = due - performance.now()
        if (restMs > 0) await pause.wait(restMs)
      }
    } finally {
      letGo()
    }
  })
}

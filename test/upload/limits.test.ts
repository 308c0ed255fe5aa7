import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Batch, Content } from '../../src/store/storage.ts'
import { paced } from '../../src/upload/limits.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A body that brings `bytes` every `everyMs`. */
function trickle(bytes: number, everyMs: number): Content {
  const batch = (byteLength: number): Batch => ({ pieces: [], byteLength, last: false })
  return {
    read: (timeoutMs = Number.POSITIVE_INFINITY) =>
      new Promise((resolve) => {
        if (timeoutMs < everyMs) setTimeout(() => resolve(batch(0)), timeoutMs)
        else setTimeout(() => resolve(batch(bytes)), everyMs)
      }),
  }
}

async function readFor(content: Content, ms: number): Promise<unknown> {
  let ended: unknown = 'still reading'
  void (async () => {
    for (;;) await content.read(1000)
  })().catch((error) => {
    ended = error
  })
  await vi.advanceTimersByTimeAsync(ms)
  return ended
}

const SLOW = { code: 'ERR_READ_TIMEOUT' }

describe('paced', () => {
  it('ends a body after its silence, however often it is asked for', async () => {
    const content = paced(trickle(1, 1e9), { idleTimeoutMs: 5000, minBytesPerSecond: 0 })
    expect(await readFor(content, 4900)).toBe('still reading')
    const again = paced(trickle(1, 1e9), { idleTimeoutMs: 5000, minBytesPerSecond: 0 })
    expect(await readFor(again, 5100)).toMatchObject(SLOW)
  })

  it('lets a trickle go on', async () => {
    const content = paced(trickle(1, 900), { idleTimeoutMs: 1000, minBytesPerSecond: 0 })
    expect(await readFor(content, 60_000)).toBe('still reading')
  })

  it('ends a trickle below the rate', async () => {
    const content = paced(trickle(90, 900), { idleTimeoutMs: 5000, minBytesPerSecond: 200 })
    expect(await readFor(content, 15_000)).toMatchObject(SLOW)
  })

  it('keeps one at the rate', async () => {
    const content = paced(trickle(900, 900), { idleTimeoutMs: 5000, minBytesPerSecond: 200 })
    expect(await readFor(content, 60_000)).toBe('still reading')
  })

  it('does not blame the sender for a slow disk', async () => {
    const content = paced(trickle(900, 10), { idleTimeoutMs: 1000, minBytesPerSecond: 200 })
    let ended: unknown = 'still reading'
    void (async () => {
      for (;;) {
        await content.read()
        await new Promise((resolve) => setTimeout(resolve, 30_000))
      }
    })().catch((error) => {
      ended = error
    })
    await vi.advanceTimersByTimeAsync(600_000)
    expect(ended).toBe('still reading')
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoredUpload } from '../../src/store/upload.ts'
import { EventFeed } from '../../src/upload/event-feed.ts'
import type { EventHandler, TusEvent } from '../../src/upload/events.ts'
import { ProgressReport } from '../../src/upload/progress-report.ts'
import type { Uploads } from '../../src/upload/uploads.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const logger = { info() {}, warn() {}, error() {} }

function at(offset: number): StoredUpload {
  const time = new Date(0)
  return {
    uploadId: 'u',
    length: 100,
    offset,
    metadata: {},
    createdAt: time,
    lastWrite: time,
    state: 'receiving',
    uploadMetadata: '',
    serverMetadata: {},
    notes: {},
    expiresAt: null,
  }
}

/** A report of a request that begins at 10; the storage is further on than it says. */
function begin(handler: EventHandler | undefined, info = async () => at(99)) {
  const channel = { hasSubscribers: false, publish: vi.fn() }
  const feed = new EventFeed({ handler, channel, logger })
  const storage = { info: vi.fn(info) }
  const uploads = { feed, emit: feed.emit, storage, progressIntervalMs: 1000 }
  const report = new ProgressReport(uploads as unknown as Uploads, 'u', 10)
  return { report, storage, channel, feed }
}

/** `[offset, bytesWritten]` of each progress event. */
function recorder(): { readonly told: number[][]; readonly handler: EventHandler } {
  const told: number[][] = []
  const handler = (event: TusEvent): void => {
    if (event.type !== 'upload-progress') throw new Error(event.type)
    told.push([event.uploadInfo.offset, event.bytesWritten])
  }
  return { told, handler }
}

describe('the progress of a request', () => {
  it('is told once an interval, with the bytes since the last time', async () => {
    const { told, handler } = recorder()
    const { report } = begin(handler)
    for (let offset = 11; offset <= 40; offset++) {
      report.onOffset(offset)
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(told).toEqual([
      [20, 10],
      [30, 10],
      [40, 10],
    ])
    await report.end(at(45))
    expect(told.slice(3)).toEqual([[45, 5]])
  })

  it('is told of a body that has come to a halt', async () => {
    const { told, handler } = recorder()
    const { report, storage } = begin(handler)
    report.onOffset(11)
    await vi.advanceTimersByTimeAsync(999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([[11, 1]])
    await vi.advanceTimersByTimeAsync(60_000)
    expect([told, storage.info.mock.calls.length]).toEqual([[[11, 1]], 1])
    report.onOffset(12)
    await vi.advanceTimersByTimeAsync(1)
    expect(told.slice(1)).toEqual([[12, 1]])
  })

  it('is told once at the end of a short request, and not after it', async () => {
    const { told, handler } = recorder()
    const { report, storage } = begin(handler)
    report.onOffset(11)
    await report.end(at(20))
    report.onOffset(30)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual([[20, 10]])
    expect(storage.info).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not come after the end by a look at the storage that was slow', async () => {
    const { told, handler } = recorder()
    let answer = (_: StoredUpload): void => undefined
    const { report } = begin(handler, () => new Promise((resolve) => (answer = resolve)))
    report.onOffset(11)
    await vi.advanceTimersByTimeAsync(1000)
    const end = report.end(at(50))
    answer(at(11))
    await end
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual([[50, 40]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits at its end for the handler, which is never called twice at a time', async () => {
    const log: string[] = []
    const { report } = begin(async (event) => {
      if (event.type !== 'upload-progress') throw new Error(event.type)
      log.push(`${event.uploadInfo.offset} begins`)
      await new Promise((resolve) => setTimeout(resolve, 5000))
      log.push(`${event.uploadInfo.offset} ends`)
    })
    report.onOffset(11)
    await vi.advanceTimersByTimeAsync(1000)
    for (const offset of [12, 13, 14]) report.onOffset(offset)
    await vi.advanceTimersByTimeAsync(3000)
    expect(log).toEqual(['11 begins'])
    const end = report.end(at(15))
    await vi.advanceTimersByTimeAsync(10_000)
    await end
    expect(log).toEqual(['11 begins', '11 ends', '15 begins', '15 ends'])
  })

  it('goes on after a slow handler with the latest, an interval later', async () => {
    const { told, handler } = recorder()
    const { report } = begin(async (event) => {
      await new Promise((resolve) => setTimeout(resolve, 5000))
      return handler(event)
    })
    for (let offset = 11; offset <= 80; offset++) {
      report.onOffset(offset)
      await vi.advanceTimersByTimeAsync(100)
    }
    // From 1000 to 6000 the handler has the first; the next look comes at 7000.
    await vi.advanceTimersByTimeAsync(5000)
    expect(told).toEqual([
      [20, 10],
      [80, 60],
    ])
    await report.end(at(80))
    expect(told).toHaveLength(2)
  })

  it('costs nothing where nobody listens', async () => {
    const { report, storage } = begin(undefined)
    for (const offset of [11, 12, 13]) {
      report.onOffset(offset)
      expect(vi.getTimerCount()).toBe(0)
      await vi.advanceTimersByTimeAsync(5000)
    }
    await report.end()
    expect(storage.info).not.toHaveBeenCalled()
  })

  it('costs nothing where there is none', async () => {
    const { told, handler } = recorder()
    const { report, storage } = begin(handler)
    report.onOffset(10)
    await vi.advanceTimersByTimeAsync(5000)
    await report.end(at(10))
    expect([told, storage.info.mock.calls, vi.getTimerCount()]).toEqual([[], [], 0])
  })

  it('is heard by who comes in the middle', async () => {
    const { report, channel } = begin(undefined)
    report.onOffset(11)
    await vi.advanceTimersByTimeAsync(5000)
    channel.hasSubscribers = true
    report.onOffset(12)
    await vi.advanceTimersByTimeAsync(1)
    expect(channel.publish.mock.calls).toMatchObject([
      [{ type: 'upload-progress', uploadInfo: { offset: 12 }, bytesWritten: 2 }],
    ])
    await report.end(at(12))
  })

  it('is left to the end where the storage cannot be read', async () => {
    const { told, handler } = recorder()
    const { report, storage } = begin(handler, () => Promise.reject(new Error('moved on')))
    report.onOffset(11)
    await vi.advanceTimersByTimeAsync(1000)
    await report.end(at(20))
    expect([told, storage.info.mock.calls.length]).toEqual([[[20, 10]], 1])
  })

  it('is told of what was durable before the storage failed', async () => {
    const { told, handler } = recorder()
    const { report } = begin(handler)
    report.onOffset(25)
    await report.end()
    expect(told).toEqual([[25, 15]])
    expect(vi.getTimerCount()).toBe(0)
  })
})

import { describe, expect, it, vi } from 'vitest'
import { EventFeed } from '../../src/upload/event-feed.ts'
import type { EventHandler, TusEvent } from '../../src/upload/events.ts'

function open(handler?: EventHandler) {
  const warn = vi.fn()
  const channel = { hasSubscribers: false, publish: vi.fn() }
  const feed = new EventFeed({ handler, channel, logger: { info() {}, warn, error() {} } })
  const controller = new AbortController()
  const follow = () => feed.follow([controller.signal])
  return { feed, channel, warn, controller, follow }
}

function created(uploadId: string): TusEvent {
  return { type: 'upload-created', uploadId, length: 9, metadata: {} }
}

function progress(uploadId: string, offset: number, bytesWritten: number): TusEvent {
  const time = new Date(0)
  const facts = { uploadId, length: 9, offset, metadata: {}, createdAt: time, lastWrite: time }
  return { type: 'upload-progress', uploadInfo: facts, bytesWritten }
}

/** A consumer that has asked for its first event, which has come. */
async function begun({ feed, follow }: ReturnType<typeof open>) {
  const events = follow()
  const first = events.next()
  await feed.emit(created('first'))
  expect(await first).toEqual({ done: false, value: created('first') })
  return events
}

describe('following events', () => {
  it('gives them in order to each follower', async () => {
    const opened = open()
    const followers = [await begun(opened), await begun(opened)]
    // The first one has heard of the beginning of the second.
    expect((await followers[0]?.next())?.value).toEqual(created('first'))
    for (const id of ['a', 'b']) await opened.feed.emit(created(id))
    for (const events of followers) {
      expect((await events.next()).value).toEqual(created('a'))
      expect((await events.next()).value).toEqual(created('b'))
    }
  })

  it('keeps of the progress of an upload the latest, with all bytes', async () => {
    const opened = open()
    const events = await begun(opened)
    const { feed } = opened
    for (let n = 1; n <= 100_000; n++) {
      await feed.emit(progress('a', n, 1))
      await feed.emit(progress('b', n, 2))
    }
    expect((await events.next()).value).toEqual(progress('a', 100_000, 100_000))
    expect((await events.next()).value).toEqual(progress('b', 100_000, 200_000))
    expect(opened.warn).not.toHaveBeenCalled()
  })

  it('keeps progress behind what happened before it', async () => {
    const opened = open()
    const events = await begun(opened)
    const failed: TusEvent = { type: 'upload-failed', uploadId: 'a', error: new Error('disk') }
    const all = [created('a'), progress('a', 1, 1), failed, progress('a', 2, 1)]
    for (const event of all) await opened.feed.emit(event)
    for (const event of all) expect((await events.next()).value).toEqual(event)
  })

  it('adds nothing to progress that was taken', async () => {
    const opened = open()
    const events = await begun(opened)
    for (const event of [progress('a', 1, 1), progress('a', 2, 1)]) {
      await opened.feed.emit(event)
      expect((await events.next()).value).toEqual(event)
    }
  })

  it('keeps a thousand events, and says once that it loses the oldest', async () => {
    const opened = open()
    const { feed, warn, controller } = opened
    const events = await begun(opened)
    for (let n = 0; n < 1000; n++) await feed.emit(created(`${n}`))
    expect(warn).not.toHaveBeenCalled()
    for (let n = 1000; n < 5000; n++) await feed.emit(created(`${n}`))
    expect(warn).toHaveBeenCalledOnce()
    for (let n = 4000; n < 5000; n++) {
      expect((await events.next()).value).toEqual(created(`${n}`))
    }
    const next = events.next()
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('begins with the first next, and ends with the consumer though it waits', async () => {
    const { feed, follow } = open()
    const events = follow()
    await feed.emit(created('before'))
    expect(feed.isHeard).toBe(false)
    const next = events.next()
    expect(feed.isHeard).toBe(true)
    expect(await events.return?.()).toEqual({ done: true, value: undefined })
    expect(await next).toEqual({ done: true, value: undefined })
    expect(feed.isHeard).toBe(false)
  })

  it('ends with its signal, also one that has fired before', async () => {
    const opened = open()
    const events = await begun(opened)
    opened.controller.abort()
    await opened.feed.emit(created('late'))
    expect(await events.next()).toMatchObject({ done: true })
    expect(await opened.follow().next()).toMatchObject({ done: true })
    expect(opened.feed.isHeard).toBe(false)
  })

  it('is not waited for', async () => {
    const opened = open()
    await begun(opened)
    await opened.feed.emit(created('nobody takes it'))
  })
})

describe('the channel', () => {
  it('gets events while it has subscribers', async () => {
    const { feed, channel } = open()
    await feed.emit(created('a'))
    expect([feed.isHeard, channel.publish.mock.calls]).toEqual([false, []])
    channel.hasSubscribers = true
    await feed.emit(created('b'))
    expect([feed.isHeard, channel.publish.mock.calls]).toEqual([true, [[created('b')]]])
  })
})

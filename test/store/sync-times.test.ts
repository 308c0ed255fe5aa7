import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { isOlder, SharedMoment, SyncTimes } from '../../src/store/fs/sync-times.ts'

/** A clock that runs steadily and can be set. */
function clock() {
  let now = { wallMs: 1_000_000, steadyMs: 0 }
  return {
    now: () => now,
    pass: (ms: number) => {
      now = { wallMs: now.wallMs + ms, steadyMs: now.steadyMs + ms }
    },
    set: (ms: number) => {
      now = { ...now, wallMs: now.wallMs + ms }
    },
  }
}

it('tells when the last sync that succeeded began', () => {
  const { now, pass } = clock()
  const times = new SyncTimes(now)
  expect(times.of('/a')).toBe(Number.NEGATIVE_INFINITY)
  times.record('/a', () => pass(20))
  pass(500)
  const fail = (): never => {
    throw new Error('EIO')
  }
  expect(() => times.record('/a', fail)).toThrow('EIO')
  expect(times.of('/a')).toBe(1_000_000)
  expect(times.of('/b')).toBe(Number.NEGATIVE_INFINITY)
})

it('takes no sync for newer than a file that a clock set back has stamped', () => {
  const { now, pass, set } = clock()
  const times = new SyncTimes(now)
  times.record('/a', () => pass(1))
  set(-600_000)
  pass(1000)
  const stamp = now().wallMs
  pass(700_000)
  expect(times.of('/a')).toBeLessThan(stamp)
})

it('takes no sync for newer than it was when the clock was set ahead', () => {
  const { now, pass, set } = clock()
  const times = new SyncTimes(now)
  times.record('/a', () => pass(1))
  pass(1000)
  const stamp = now().wallMs
  set(600_000)
  expect(times.of('/a')).toBeLessThan(stamp)
})

it('knows file systems that keep whole seconds', () => {
  expect(isOlder({ ctimeMs: 10_000 }, 10_900)).toBe(false)
  expect(isOlder({ ctimeMs: 10_000 }, 11_020)).toBe(true)
  expect(isOlder({ ctimeMs: 10_000.5 }, 10_900)).toBe(true)
})

describe('a moment that another thread tells', () => {
  it('is none before it is told, and while it is being told', () => {
    const { now } = clock()
    const told = new SharedMoment(undefined, now)
    const seen = new SharedMoment(told.memory, now)
    expect(seen.time).toBe(Number.NEGATIVE_INFINITY)
    told.set(now())
    expect(seen.time).toBe(1_000_000)
    const changes = new BigInt64Array(told.memory)
    changes[0] = (changes[0] ?? 0n) + 1n
    expect(seen.time).toBe(Number.NEGATIVE_INFINITY)
  })

  it('is the last one, and earlier by a clock that was set back', () => {
    const { now, pass, set } = clock()
    const told = new SharedMoment(undefined, now)
    told.set(now())
    pass(1000)
    told.set(now())
    expect(told.time).toBe(1_001_000)
    set(-600_000)
    pass(10)
    expect(told.time).toBe(401_000)
  })

  it('means the same in every thread', async () => {
    const told = new SharedMoment()
    const before = Date.now()
    const script = `
      const { workerData } = require('node:worker_threads')
      import(workerData.module).then(({ SharedMoment, SyncTimes }) =>
        new SharedMoment(workerData.memory).set(new SyncTimes().record('/a', () => undefined)))`
    const module = new URL('../../dist/store/fs/sync-times.js', import.meta.url).href
    const worker = new Worker(script, { eval: true, workerData: { module, memory: told.memory } })
    await once(worker, 'exit')
    expect(told.time).toBeGreaterThanOrEqual(before - 1)
    expect(told.time).toBeLessThanOrEqual(Date.now())
  })
})

import { expect, it } from 'vitest'
import { SyncTimes } from '../../src/store/fs/sync-times.ts'

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

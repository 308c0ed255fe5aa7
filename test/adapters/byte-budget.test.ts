/** When memory that bodies have used goes back to the system. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ByteBudget } from '../../src/adapters/byte-budget.ts'

const MIB = 2 ** 20

describe('freed memory', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each([
    ['goes back once much of it was in use and little is', [16 * MIB, -16 * MIB], 1],
    ['stays where little was in use', [15 * MIB, -15 * MIB], 0],
    ['stays while much is in use', [32 * MIB, -16 * MIB], 0],
    ['stays where much is in use again', [16 * MIB, -16 * MIB, 2 * MIB], 0],
  ])('%s', (_what, changes, expected) => {
    const trim = vi.fn()
    const budget = new ByteBudget(64 * MIB, trim)
    for (const bytes of changes) {
      if (bytes > 0) budget.take(bytes)
      else budget.give(-bytes)
    }
    expect(trim).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(trim).toHaveBeenCalledTimes(expected)
  })

  it('goes back once for many bodies, and again after the next ones', () => {
    const trim = vi.fn()
    const budget = new ByteBudget(64 * MIB, trim)
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 10; i++) {
        budget.take(20 * MIB)
        budget.give(20 * MIB)
      }
      vi.advanceTimersByTime(5000)
      expect(trim).toHaveBeenCalledTimes(round)
    }
  })
})

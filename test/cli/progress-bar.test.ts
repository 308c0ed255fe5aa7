import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatProgress,
  formatSeconds,
  ProgressDisplay,
  Rate,
} from '../../src/cli/progress-bar.ts'

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_500_000, '1.4 MiB'],
    [200 * 2 ** 20, '200 MiB'],
    [3 * 2 ** 40, '3.0 TiB'],
    [2 ** 52, '4096 TiB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0.2, '0 s'],
    [59.4, '59 s'],
    [61, '1 min 1 s'],
    [3600, '1 h 0 min'],
    [400_000, 'days'],
  ])('%d seconds', (seconds, text) => expect(formatSeconds(seconds)).toBe(text))

  it('shows bar, percentage, bytes, rate and time left', () => {
    const line = formatProgress({ name: 'a.bin', sent: 512, total: 1024, rate: 256 }, 100)
    expect(line).toBe('a.bin ████████████░░░░░░░░░░░░  50 % 512 B of 1.0 KiB 256 B/s 2 s left')
  })

  it('is never wider than the terminal', () => {
    for (let columns = 1; columns < 120; columns++) {
      const progress = { name: 'ü'.repeat(50), sent: 5, total: 10, rate: 1 }
      expect([...formatProgress(progress, columns)].length).toBeLessThan(columns + 1)
    }
  })

  it('is complete for an empty file', () => {
    expect(formatProgress({ name: 'a', sent: 0, total: 0, rate: undefined }, 80)).toMatch(/100 %/)
  })
})

describe('Rate', () => {
  it('does not count what an earlier run has sent', () => {
    const rate = new Rate()
    rate.add(1_000_000, 0)
    expect(rate.perSecond()).toBeUndefined()
    rate.add(1_000_100, 1000)
    expect(rate.perSecond()).toBe(100)
  })

  it('forgets what was long ago', () => {
    const rate = new Rate()
    for (let second = 0; second <= 20; second++)
      rate.add(second < 10 ? 0 : (second - 10) * 50, second * 1000)
    expect(rate.perSecond()).toBe(50)
  })
})

describe('ProgressDisplay', () => {
  it('prints above the lines that go on, and clears them at the end', () => {
    let output = ''
    const display = new ProgressDisplay({
      isTTY: true,
      columns: 80,
      write: (text) => {
        output += text
      },
    })
    display.update('a', { name: 'a', sent: 1, total: 2 })
    display.print('sent b')
    expect(output).toMatch(/^sent b\na .*50 %.*\n$/)
    display.close()
    expect(output.endsWith('\u001b[1A\u001b[J')).toBe(true)
  })
})

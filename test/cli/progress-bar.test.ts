import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../src/cli/display-width.ts'
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

  it.each([
    ['日本語ファイル名テスト長い名前のファイル.bin', /^日本語[^ ]*… /],
    ['👩‍💻 holiday 🏖️ 2026 with all of the family.mov', /… /],
    ['한국어 파일 이름이 아주 아주 깁니다.mp4', /… /],
    ['a\nb\u001b[2Jc.bin', /^a\?b\?\[2Jc\.bin /],
  ])('counts the columns of %j, not its characters', (name, pattern) => {
    const line = formatProgress({ name, sent: 512, total: 1024, rate: 256 }, 80)
    expect(line).toMatch(pattern)
    expect(displayWidth(line)).toBeLessThan(80)
  })

  it('is complete for an empty file', () => {
    expect(formatProgress({ name: 'a', sent: 0, total: 0, rate: undefined }, 80)).toMatch(/100 %/)
  })
})

describe('displayWidth', () => {
  it.each([
    ['abc', 3],
    ['über', 4],
    ['u\u0308ber', 4],
    ['日本', 4],
    ['ー', 2],
    ['한글', 4],
    ['ｆｕ', 4],
    ['🏖', 2],
    ['a\u200bb', 2],
  ])('%s takes %d columns', (text, columns) => expect(displayWidth(text)).toBe(columns))
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
    expect(output.endsWith('\r\u001b[1A\u001b[J')).toBe(true)
  })
})

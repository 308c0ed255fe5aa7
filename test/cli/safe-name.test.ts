import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberedName, safeName } from '../../src/cli/safe-name.ts'

describe('safeName', () => {
  it.each([
    ['a.txt', 'a.txt'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\film.mp4', 'film.mp4'],
    ['..', 'id'],
    ['.', 'id'],
    ['', 'id'],
    ['a/', 'id'],
    [undefined, 'id'],
    ['.bashrc', 'bashrc'],
    ['...hidden', 'hidden'],
    ['a\u0000b\n.txt', 'ab.txt'],
    ['\u202egpj.exe', 'gpj.exe'],
    ['a.txt. ', 'a.txt'],
    ['日本 🎬.mp4', '日本 🎬.mp4'],
  ])('%j becomes %j', (given, name) => expect(safeName(given, 'id')).toBe(name))

  it('keeps the extension of a long name, and whole characters', () => {
    const name = safeName(`${'🎬'.repeat(100)}.tar.gz`, 'id')
    expect(name).toMatch(/^🎬+\.tar\.gz$/u)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(243)
  })

  it('is always a plain name that fits with number and record', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (given) => {
        const name = safeName(given, 'id')
        expect(name).not.toMatch(/[/\\\0]|^\./)
        expect(name).not.toBe('')
        const full = `${numberedName(name, 123_456)}.meta`
        expect(Buffer.byteLength(full)).toBeLessThanOrEqual(255)
      }),
    )
  })
})

describe('numberedName', () => {
  it.each([
    ['a.txt', 0, 'a.txt'],
    ['a.txt', 1, 'a_1.txt'],
    ['a.tar.gz', 2, 'a_2.tar.gz'],
    ['a', 3, 'a_3'],
    ['report 2026.11.24.pdf', 1, 'report 2026.11.24_1.pdf'],
  ])('%s, %d: %s', (name, n, numbered) => expect(numberedName(name, n)).toBe(numbered))
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFilename } from '../../src/protocol/content-disposition.ts'

describe('parseFilename', () => {
  it.each([
    ['inline; filename=a.txt', 'a.txt'],
    ['inline; filename="file name.jpg"', 'file name.jpg'],
    ['INLINE;FileName="a"', 'a'],
    ['attachment; filename="a \\"b\\" \\\\.txt"', 'a "b" \\.txt'],
    [`inline; filename="x.txt"; filename*=UTF-8''%e2%82%ac%20rates`, '€ rates'],
    [`inline; filename*=utf-8'en'a.txt; filename=b.txt`, 'a.txt'],
    [`inline; filename="x; filename=evil"`, 'x; filename=evil'],
    ['inline; filename="../../etc/passwd"', '../../etc/passwd'],
    [`inline; filename=ok; filename*=iso-8859-1''%e4`, 'ok'],
    [`inline; filename=ok; filename*=UTF-8''%ff`, 'ok'],
    ['inline; filename=""', ''],
    ['inline', undefined],
    ['', undefined],
    ['inline; filename', undefined],
    ['inline; filename="a', undefined],
    ['inline; filename=a b', undefined],
    ['inline filename=a', undefined],
  ])('%s', (field, name) => {
    expect(parseFilename(field)).toBe(name)
  })

  it('reads any name that was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${hex(c)}`)
        expect(parseFilename(`inline; filename*=UTF-8''${encoded}`)).toBe(name)
      }),
    )
  })
})

function hex(char: string): string {
  return char.charCodeAt(0).toString(16)
}

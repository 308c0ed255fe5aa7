import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkFilename, parseUploadMetadata } from '../../src/protocol/upload-metadata.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('parseUploadMetadata', () => {
  it.each([
    ['filename d29ybGQ=', { filename: 'world' }, 'filename d29ybGQ='],
    ['draft,name YQ==', { draft: '', name: 'a' }, 'draft,name YQ=='],
    ['a YQ==, b Yg==', { a: 'a', b: 'b' }, 'a YQ==,b Yg=='],
    ['a YQ==,a Yg==', { a: 'b' }, 'a Yg=='],
    ['a ', { a: '' }, 'a'],
    ['', {}, ''],
  ])('reads %j', (field, values, echo) => {
    expect(parseUploadMetadata(field)).toEqual({ values, echo })
  })

  it.each([',', 'a YQ', 'ä YQ==', 'a.b YQ==', 'a b c', 'a %%%=', 'a  YQ==', ' ', 'a YQ==='])(
    'leaves out %j and keeps the rest',
    (bad) => {
      expect(parseUploadMetadata(`${bad},ok YQ==`)).toEqual({
        values: { ok: 'a' },
        echo: 'ok YQ==',
      })
    },
  )

  it('keeps a value that is not UTF-8 for the echo only', () => {
    expect(parseUploadMetadata('a /w==,b Yg==')).toEqual({
      values: { b: 'b' },
      echo: 'a /w==,b Yg==',
    })
  })

  it('takes a key named __proto__ for a key', () => {
    const { values } = parseUploadMetadata(`__proto__ ${base64('x')}`)
    expect(Object.keys(values)).toEqual(['__proto__'])
    expect(JSON.stringify(values)).toBe('{"__proto__":"x"}')
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype)
  })

  it('returns the exact text of any value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const wellFormed = Buffer.from(text).toString()
        expect(parseUploadMetadata(`k ${base64(text)}`.trim()).values.k).toBe(wellFormed)
      }),
    )
  })

  it('never throws, and its echo means the same again', () => {
    fc.assert(
      fc.property(fc.string(), (field) => {
        const parsed = parseUploadMetadata(field)
        expect(parseUploadMetadata(parsed.echo)).toEqual(parsed)
      }),
    )
  })
})

describe('checkFilename', () => {
  const refused = { code: 'ERR_INVALID_METADATA' }

  it.each(['a', ' ', '~', 'a b.txt', '../../etc/passwd'])('accepts %j as ASCII', (name) => {
    expect(() => checkFilename(name, 'ascii')).not.toThrow()
  })

  it.each(['', 'ä', 'a\u007f', 'a\n', '\u0000', '\u001f'])('refuses %j as ASCII', (name) => {
    expect(() => checkFilename(name, 'ascii')).toThrow(expect.objectContaining(refused))
  })

  it.each(['ä', '日本.txt', '\u00a0', '🎬'])('accepts %j as UTF-8', (name) => {
    expect(() => checkFilename(name, 'utf-8')).not.toThrow()
  })

  it.each(['', 'a\n', '\u007f', '\u0085', '\u0000'])('refuses %j as UTF-8', (name) => {
    expect(() => checkFilename(name, 'utf-8')).toThrow(expect.objectContaining(refused))
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatBoolean,
  formatDictionary,
  parseBoolean,
  parseByteSequences,
  parseIntegers,
  parseNonNegativeInteger,
} from '../../src/protocol/structured-field.ts'

describe('parseNonNegativeInteger', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['00012', 12],
    ['  12  ', 12],
    ['999999999999999', 999_999_999_999_999],
    ['1;a', 1],
    ['1; a;b=2;c=?1;d="x;\\"y\\"";e=tok/en;f=:YQ==:;*g=1.5;h=@1;i=%"a%c3%a9"', 1],
  ])('reads %j', (field, value) => {
    expect(parseNonNegativeInteger(field)).toBe(value)
  })

  it.each([
    '',
    ' ',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x1',
    '1_0',
    '1 2',
    '1, 1',
    '1234567890123456',
    '?1',
    '"1"',
    ':YQ==:',
    '1;',
    '1;A',
    '1;a=',
    '1;a =2',
    '1 ;a',
    '1;a="',
    '1;a=1.',
    '1;a=1.2345',
    '\t1',
    '1\n',
    '(1)',
    '１',
  ])('ignores %j', (field) => {
    expect(parseNonNegativeInteger(field)).toBeUndefined()
  })

  it('reads what it would write', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999_999_999 }), (value) => {
        expect(parseNonNegativeInteger(`${value}`)).toBe(value)
      }),
    )
  })

  it('takes nothing but such integers out of any text', () => {
    const pieces = fc.constantFrom(
      '?1',
      '0',
      '7',
      '-',
      '.',
      ' ',
      ';',
      'a',
      '=',
      '"',
      ',',
      '\t',
      ':',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (text) => {
        const value = parseNonNegativeInteger(text.join(''))
        if (value !== undefined) expect(text.join('').trim()).toMatch(/^-?[07]+/)
      }),
    )
  })
})

describe('parseBoolean', () => {
  it.each([
    ['?0', false],
    ['?1', true],
    [' ?1 ', true],
    ['?0;x=1', false],
  ])('reads %j', (field, value) => {
    expect(parseBoolean(field)).toBe(value)
  })

  it.each(['', '1', '0', 'true', '?', '?2', '?1?1', '?1, ?1', '"?1"', '?1;', '? 1', '?1;X'])(
    'ignores %j',
    (field) => {
      expect(parseBoolean(field)).toBeUndefined()
    },
  )

  it.each([true, false])('reads what is written for %s', (value) => {
    expect(parseBoolean(formatBoolean(value))).toBe(value)
  })
})

describe('formatDictionary', () => {
  it('leaves out what is not there', () => {
    expect(formatDictionary({ 'max-size': 5, 'min-size': undefined, 'max-age': 0 })).toBe(
      'max-size=5, max-age=0',
    )
    expect(formatDictionary({})).toBe('')
  })

  it('leaves out what has more digits than an integer may have', () => {
    expect(formatDictionary({ a: 999_999_999_999_999, b: 1e15 })).toBe('a=999999999999999')
  })
})

describe('a dictionary', () => {
  it.each([
    ['a=1', { a: 1 }],
    ['  a=1,b=-2 ,\tc=3 ', { a: 1, b: -2, c: 3 }],
    ['a=1;x;y=(), b', undefined],
    ['a=1;x;y="z", b, c=(1 "2";p);q, d=2', { a: 1, d: 2 }],
    ['a=1, a=2', { a: 2 }],
    ['*a.b-c_d*=7', { '*a.b-c_d*': 7 }],
  ])('of integers: %j', (field, members) => {
    expect(Object.fromEntries(parseIntegers(field))).toEqual(members ?? {})
  })

  it.each(['', ',', 'a=1,', ',a=1', 'a=1 b=2', 'a=1;', 'A=1', 'a=', '=1', 'a=1,,b=2', 'a=1\n'])(
    'is not %j',
    (field) => expect([...parseIntegers(field)]).toEqual([]),
  )

  it('of byte sequences', () => {
    const found = parseByteSequences('a=:aGk=:, b=1, c=::, d="x"')
    expect([...found].map(([key, bytes]) => [key, bytes.toString()])).toEqual([
      ['a', 'hi'],
      ['c', ''],
    ])
  })

  it('takes no time over what is nearly one', () => {
    const field = `a=(${'"x" '.repeat(3000)}, b${';c'.repeat(3000)}=`
    expect([...parseIntegers(field)]).toEqual([])
    expect([...parseIntegers(`a=(${' '.repeat(400_000)}`)]).toEqual([])
  })
})

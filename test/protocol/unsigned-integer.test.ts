import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseUnsignedInteger } from '../../src/protocol/unsigned-integer.ts'

describe('parseUnsignedInteger', () => {
  it.each([
    ['0', 0],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', Number.POSITIVE_INFINITY],
    ['9'.repeat(400), Number.POSITIVE_INFINITY],
  ])('reads %s', (field, value) => {
    expect(parseUnsignedInteger(field)).toBe(value)
  })

  it.each(['', '-1', '+1', ' 1', '1 ', '1.0', '0x10', '1e3', '1, 1', '1,1', '١', 'NaN', '1\n'])(
    'refuses %j',
    (field) => {
      expect(parseUnsignedInteger(field)).toBeUndefined()
    },
  )

  it('reads every integer that JavaScript can hold', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        expect(parseUnsignedInteger(`${n}`)).toBe(n)
      }),
    )
  })
})

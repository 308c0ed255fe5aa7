/** Non-negative integers in fields: digits and nothing else. Pure. @module */

const DIGITS = /^[0-9]+$/

/**
 * The value, `undefined` outside the grammar (sign, space, point, hex, a repeated field), and
 * `Infinity` beyond `Number.MAX_SAFE_INTEGER`, so that the caller can say "too large".
 */
export function parseUnsignedInteger(field: string): number | undefined {
  if (!DIGITS.test(field)) return undefined
  const value = Number(field)
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY
}

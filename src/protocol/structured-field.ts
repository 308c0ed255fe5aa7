/**
 * Structured fields (RFC 9651), as far as the IETF protocol needs them: items that are an integer or a
 * boolean, and dictionaries of integers. Pure. What is no such item is `undefined`; parameters may
 * follow an item and mean nothing. A field that was repeated is joined by commas, and so is no item.
 *
 * @module
 */

const KEY = '[a-z*][a-z0-9_.*-]*'
const INTEGER = '-?[0-9]{1,15}'
const BOOLEAN = '\\?[01]'
/** Of a parameter, whose value nobody asks for; a Display String's octets are not looked into. */
const BARE_ITEM = [
  '-?[0-9]{1,12}\\.[0-9]{1,3}',
  INTEGER,
  BOOLEAN,
  '"(?:[ !#-[\\]-~]|\\\\["\\\\])*"',
  "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*",
  ':[A-Za-z0-9+/=]*:',
  `@${INTEGER}`,
  '%"(?:[ !#$&-~]|%[0-9a-f]{2})*"',
].join('|')
const PARAMETERS = `(?:; *${KEY}(?:=(?:${BARE_ITEM}))?)*`

const INTEGER_ITEM = new RegExp(`^ *(${INTEGER})${PARAMETERS} *$`)
const BOOLEAN_ITEM = new RegExp(`^ *(${BOOLEAN})${PARAMETERS} *$`)

/** The integer that is not negative, or `undefined`. */
export function parseNonNegativeInteger(field: string): number | undefined {
  const [, digits] = INTEGER_ITEM.exec(field) ?? []
  const value = Number(digits ?? Number.NaN)
  // -0 is an integer, and is 0.
  return value >= 0 ? value + 0 : undefined
}

export function parseBoolean(field: string): boolean | undefined {
  const [, text] = BOOLEAN_ITEM.exec(field) ?? []
  return text === undefined ? undefined : text === '?1'
}

export function formatBoolean(value: boolean): string {
  return value ? '?1' : '?0'
}

/** Members whose value is `undefined` are left out. */
export function formatDictionary(members: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
}

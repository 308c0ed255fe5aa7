/**
 * Structured fields (RFC 9651), as far as the IETF protocol needs them: items that are an integer or a
 * boolean, and dictionaries of integers or byte sequences. Pure. What is no such item is `undefined`, and
 * a dictionary outside the grammar has no members; parameters may follow an item and mean nothing. A
 * field that was repeated is joined by commas: that is a dictionary, and no item.
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
const ITEM = `(?:${BARE_ITEM})${PARAMETERS}`
/** Spaces in one place only, or nothing but spaces would be looked at again from each of them. */
const INNER_LIST = `\\( *(?:${ITEM}(?: +${ITEM})* *)?\\)`

const INTEGER_ITEM = new RegExp(`^ *(${INTEGER})${PARAMETERS} *$`)
const BOOLEAN_ITEM = new RegExp(`^ *(${BOOLEAN})${PARAMETERS} *$`)
/** A member and what separates it from the next. */
const MEMBER = new RegExp(
  `(${KEY})(?:=(?:(${BARE_ITEM})|${INNER_LIST}))?${PARAMETERS}(?: *$|[ \\t]*,[ \\t]*(?=[^ \\t]))`,
  'y',
)

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

/** The members of a dictionary that are byte sequences. */
export function parseByteSequences(field: string): ReadonlyMap<string, Buffer> {
  const members = [...parseDictionary(field)].filter(([, item]) => item.startsWith(':'))
  return new Map(members.map(([key, item]) => [key, Buffer.from(item.slice(1, -1), 'base64')]))
}

/** The members of a dictionary that are integers. */
export function parseIntegers(field: string): ReadonlyMap<string, number> {
  const members = [...parseDictionary(field)].filter(([, item]) => /^-?\d+$/.test(item))
  return new Map(members.map(([key, item]) => [key, Number(item)]))
}

/** Each key with its bare item as it is written, or nothing for another value; the last of a key counts. */
function parseDictionary(field: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  const text = field.replace(/^ +/, '')
  for (MEMBER.lastIndex = 0; MEMBER.lastIndex < text.length; ) {
    const [, key = '', item = ''] = MEMBER.exec(text) ?? []
    if (key === '') return new Map()
    members.set(key, item)
  }
  return members
}

export function formatBoolean(value: boolean): string {
  return value ? '?1' : '?0'
}

/** RFC 9651, 3.3.1: fifteen digits. */
const LARGEST = 999_999_999_999_999

/** Members without a value, and those that no integer of a structured field can say, are left out. */
export function formatDictionary(members: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined && value <= LARGEST)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
}

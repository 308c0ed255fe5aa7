/** What RFC 9110 lets stand in a field, without what only looks like the end of one. @module */

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** For text that nobody else checks. */
export function isField(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value)
}

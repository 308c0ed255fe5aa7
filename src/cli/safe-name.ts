/** From what a client calls its file to a name that is only a name. Pure. @module */

/** What file systems take, in bytes. */
const MAX_BYTES = 255
/** Room for `_123456` and for the record's `.meta`. */
const RESERVED_BYTES = 12

/** The base name, made harmless; `fallback` where nothing is left of it. */
export function safeName(filename: string | undefined, fallback: string): string {
  const base = (filename ?? '').split(/[/\\]/).at(-1) ?? ''
  const clean = base
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '')
  return shorten(clean, MAX_BYTES - RESERVED_BYTES) || fallback
}

/** The n-th name to try: `a.tar.gz`, `a_1.tar.gz`, `a_2.tar.gz`. */
export function numberedName(name: string, n: number): string {
  if (n === 0) return name
  const { stem, extension } = splitExtension(name)
  return `${stem}_${n}${extension}`
}

/** The name with the upload's id in front, which no other upload has. */
export function identifiedName(name: string, id: string): string {
  return `${id}-${shorten(name, MAX_BYTES - RESERVED_BYTES - id.length - 1)}`
}

/** Two extensions at most, short ones, so that a date in a name is not taken for one. */
function splitExtension(name: string): { stem: string; extension: string } {
  const match = /^(.+?)((?:\.[A-Za-z][A-Za-z0-9]{0,7}){0,1}\.[A-Za-z0-9]{1,8})$/.exec(name)
  return match ? { stem: match[1] ?? '', extension: match[2] ?? '' } : { stem: name, extension: '' }
}

/** Cuts between characters, in front of the extension. */
function shorten(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) <= maxBytes) return name
  const { stem, extension } = splitExtension(name)
  let left = maxBytes - Buffer.byteLength(extension)
  let kept = ''
  for (const character of stem) {
    left -= Buffer.byteLength(character)
    if (left < 0) break
    kept += character
  }
  return kept + extension
}

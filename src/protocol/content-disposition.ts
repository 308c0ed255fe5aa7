/**
 * The file name in `Content-Disposition` (RFC 6266): `filename*` in UTF-8 (RFC 8187), else
 * `filename`. Pure. What is not in the grammar has no name.
 *
 * @module
 */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"'
const FIELD = new RegExp(`^\\s*${TOKEN}(?:\\s*;\\s*${TOKEN}\\s*=\\s*(?:${QUOTED}|${TOKEN}))*\\s*$`)
const PARAMETER = new RegExp(`;\\s*(${TOKEN})\\s*=\\s*(${QUOTED}|${TOKEN})`, 'g')
const EXTENDED = /^utf-8'[A-Za-z0-9-]*'((?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-Fa-f]{2})*)$/i

export function parseFilename(field: string): string | undefined {
  if (!FIELD.test(field)) return undefined
  let plain: string | undefined
  let extended: string | undefined
  for (const [, name = '', value = ''] of field.matchAll(PARAMETER)) {
    if (name.toLowerCase() === 'filename') plain ??= unquote(value)
    if (name.toLowerCase() === 'filename*') extended ??= decode(value)
  }
  return extended ?? plain
}

function unquote(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
}

function decode(value: string): string | undefined {
  const [, encoded] = EXTENDED.exec(value) ?? []
  if (encoded === undefined) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

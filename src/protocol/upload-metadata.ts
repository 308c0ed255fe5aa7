/**
 * `Upload-Metadata` (tus 1.0.0, Creation): `key [SP base64] *("," key [SP base64])`. Pure. A pair
 * outside the grammar is left out; whether a value is acceptable is for the upload rules to say.
 *
 * @module
 */
import { UploadError } from '../errors.ts'

/** The pairs of the field. */
export interface UploadMetadata {
  /** Decoded values. One that is not UTF-8 is left out. */
  readonly values: Readonly<Record<string, string>>
  /** The valid pairs as they were sent, one for each key, for the answer to HEAD. */
  readonly echo: string
}

const KEY = /^[A-Za-z0-9_-]+$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Of two pairs with one key the last wins; a key alone has the empty value. */
export function parseUploadMetadata(field: string): UploadMetadata {
  const pairs = new Map<string, string>()
  const values = new Map<string, string>()
  for (const part of field === '' ? [] : field.split(',')) {
    const pair = part.trim()
    const [key = '', base64 = '', ...rest] = pair.split(' ')
    if (rest.length > 0 || !KEY.test(key) || !BASE64.test(base64)) continue
    pairs.set(key, pair)
    const value = decode(base64)
    if (value === undefined) values.delete(key)
    else values.set(key, value)
  }
  // Entries become own properties, whatever their names: a key __proto__ is only a key.
  return { values: Object.fromEntries(values), echo: [...pairs.values()].join(',') }
}

/** @throws `ERR_INVALID_METADATA` */
export function checkFilename(name: string, charset: 'ascii' | 'utf-8'): void {
  const problem = charset === 'ascii' ? notPrintableAscii(name) : hasControlCharacter(name)
  if (name !== '' && !problem) return
  throw new UploadError(
    'ERR_INVALID_METADATA',
    charset === 'ascii'
      ? 'filename must be printable ASCII (0x20 to 0x7E), at least one character'
      : 'filename must have at least one character and no control characters',
  )
}

function decode(base64: string): string | undefined {
  try {
    return UTF8.decode(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}

function notPrintableAscii(name: string): boolean {
  return /[^\x20-\x7e]/.test(name)
}

/** C0, DEL and C1. */
function hasControlCharacter(name: string): boolean {
  return /\p{Cc}/u.test(name)
}

/** One pair of the field. */
export function formatPair(key: string, value: string): string {
  return value === '' ? key : `${key} ${encode(value)}`
}

function encode(value: string): string {
  return Buffer.from(value).toString('base64')
}

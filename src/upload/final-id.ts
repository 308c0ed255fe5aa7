/** The id of a final upload. @module */
import { createHash } from 'node:crypto'

/**
 * A UUID that follows from what the upload is made of, so that a request whose answer was lost makes the
 * same upload when it is repeated. Nobody can guess it who does not know all parts.
 */
export function finalId(partIds: readonly string[], metadata: string, attempt: number): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([partIds, metadata, attempt]))
    .digest()
  // RFC 9562: version 8 is for such ids, and the variant.
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

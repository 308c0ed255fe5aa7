/**
 * `Upload-Checksum` (tus 1.0.0, Checksum): `algorithm SP base64`. Pure.
 *
 * @module
 */

/** Names as `Tus-Checksum-Algorithm` lists them, each with the bytes of its digest. */
export const CHECKSUM_BYTES = { sha1: 20, sha256: 32, sha512: 64, md5: 16, crc32: 4 } as const

export type ChecksumAlgorithm = keyof typeof CHECKSUM_BYTES

/** What a body has to hash to. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64. */
  readonly digest: string
}

const FIELD = /^([a-z0-9-]+) ((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/

/**
 * The checksum; `'unsupported'` for an algorithm that is not known, `undefined` outside the grammar or
 * with a digest of the wrong length.
 */
export function parseUploadChecksum(field: string): UploadChecksum | 'unsupported' | undefined {
  const [, algorithm = '', digest = ''] = FIELD.exec(field) ?? []
  if (algorithm === '') return undefined
  if (!Object.hasOwn(CHECKSUM_BYTES, algorithm)) return 'unsupported'
  const known = algorithm as ChecksumAlgorithm
  return bytesOf(digest) === CHECKSUM_BYTES[known] ? { algorithm: known, digest } : undefined
}

function bytesOf(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return (base64.length / 4) * 3 - padding
}

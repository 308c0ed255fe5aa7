/**
 * Digest fields (RFC 9530): `Content-Digest` of a body, `Repr-Digest` of a whole upload, and
 * `Want-…-Digest`, which ask for them. Of several digests the strongest that is known here counts; what is not
 * known is ignored, and so is a field outside the grammar. Pure.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import { parseByteSequences, parseIntegers } from './structured-field.ts'
import { CHECKSUM_BYTES, type UploadChecksum } from './upload-checksum.ts'

type Header = (name: string) => string | undefined

/** The active algorithms of the registry, the strongest first. */
export const DIGEST_ALGORITHMS = ['sha512', 'sha256'] as const

export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number]

/** What a whole upload has to hash to. */
export interface ReprDigest extends UploadChecksum {
  readonly algorithm: DigestAlgorithm
}

/** What the creation of an upload says of its digest. */
export interface ReprDigests {
  readonly told?: ReprDigest
  /** The one that the client wants to be told at the end. */
  readonly wanted?: DigestAlgorithm
}

/** @throws `ERR_INVALID_CHECKSUM` for a digest that its algorithm cannot give */
export function parseContentDigest(header: Header): ReprDigest | undefined {
  return parseDigest(header, 'Content-Digest')
}

/** `undefined` where nothing is said. @throws `ERR_INVALID_CHECKSUM` */
export function parseReprDigests(header: Header): ReprDigests | undefined {
  const told = parseDigest(header, 'Repr-Digest')
  const wanted = parseWanted(header('want-repr-digest') ?? '')
  return told || wanted ? { ...(told && { told }), ...(wanted && { wanted }) } : undefined
}

/** @param digest - base64 */
export function formatDigest({ algorithm, digest }: ReprDigest): string {
  return `${keyOf(algorithm)}=:${digest}:`
}

/** As the registry spells it. */
export function keyOf(algorithm: DigestAlgorithm): string {
  return algorithm.replace('sha', 'sha-')
}

/** Which fields have a digest that its algorithm cannot give. */
export function findInvalidDigests(
  header: Header,
): { readonly header: string; readonly algorithm: string }[] {
  return ['Content-Digest', 'Repr-Digest'].flatMap((name) => {
    const found = findDigest(header, name)
    return found && !isValid(found) ? [{ header: name, algorithm: keyOf(found.algorithm) }] : []
  })
}

interface FoundDigest {
  readonly algorithm: DigestAlgorithm
  readonly bytes: Buffer
}

function parseDigest(header: Header, name: string): ReprDigest | undefined {
  const found = findDigest(header, name)
  if (!found) return undefined
  const { algorithm, bytes } = found
  if (isValid(found)) return { algorithm, digest: bytes.toString('base64') }
  throw new UploadError(
    'ERR_INVALID_CHECKSUM',
    `the ${keyOf(algorithm)} in ${name} must be a byte sequence of ${CHECKSUM_BYTES[algorithm]} bytes`,
  )
}

function findDigest(header: Header, name: string): FoundDigest | undefined {
  const digests = parseByteSequences(header(name.toLowerCase()) ?? '')
  return DIGEST_ALGORITHMS.flatMap((algorithm) => {
    const bytes = digests.get(keyOf(algorithm))
    return bytes ? [{ algorithm, bytes }] : []
  })[0]
}

function isValid({ algorithm, bytes }: FoundDigest): boolean {
  return bytes.byteLength === CHECKSUM_BYTES[algorithm]
}

/** Of `Want-…-Digest` the one with the highest weight; 0 stands for an algorithm that is not acceptable. */
export function parseWanted(field: string): DigestAlgorithm | undefined {
  const weights = parseIntegers(field)
  const weightOf = (algorithm: DigestAlgorithm): number => weights.get(keyOf(algorithm)) ?? 0
  const [best] = [...DIGEST_ALGORITHMS].sort((a, b) => weightOf(b) - weightOf(a))
  return best && weightOf(best) > 0 ? best : undefined
}

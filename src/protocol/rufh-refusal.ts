/** What the IETF dialect says of a refusal beyond its code. Pure. @module */
import type { UploadError } from '../errors.ts'
import { findInvalidDigests, keyOf, parseContentDigest } from './digest-fields.ts'
import { formatCompleteness, limits, RUFH_METHODS, type RufhServer } from './rufh.ts'
import { PARTIAL_UPLOAD } from './rufh-request.ts'
import type { RufhVersion } from './rufh-versions.ts'
import { parseNonNegativeInteger } from './structured-field.ts'
import type { TusRequest } from './tus.ts'

/** How a dialect changes the usual answer to an error. */
export interface RefusalChanges {
  readonly status?: number
  /** A registered problem type, by its last part. */
  readonly type?: string
  /** Members of the problem. */
  readonly members?: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
/** What the application says to who may come back. */
const LATER: ReadonlySet<number> = new Set([401, 423, 429])
const LIMITS: ReadonlySet<string> = new Set([
  'ERR_CHUNK_SIZE_EXCEEDED',
  'ERR_CHUNK_SIZE_NOT_REACHED',
  'ERR_MAX_SIZE_EXCEEDED',
  'ERR_MIN_SIZE_NOT_REACHED',
])
const INCONSISTENT = 'inconsistent-upload-length'

/** What was refused. */
export interface Refused {
  readonly request: TusRequest
  readonly version: RufhVersion
  readonly server: RufhServer
  /** It was not the request that was not allowed. */
  readonly admitted: boolean
}

export function formatRufhRefusal(
  error: UploadError,
  { request: { method, header }, version, server, admitted }: Refused,
): RefusalChanges {
  const { code, status } = error
  // The application's word, unlike the protocol's, ends the matter: if it does not mean another time,
  // and not only one who asks for an upload that others may go on with.
  const ended = admitted || method !== 'PATCH'
  const final = code === 'ERR_REFUSED' && ended && !LATER.has(status ?? 403)
  return {
    ...statusAndType(error, version),
    ...members(error, header),
    headers: {
      ...(WRITES.has(method) && formatCompleteness(final, version)),
      ...(LIMITS.has(code) && limits(version, method === 'PATCH' ? missed(error, server) : server)),
      ...(code === 'ERR_INVALID_CONTENT_TYPE' && { 'Accept-Patch': PARTIAL_UPLOAD }),
      ...(code === 'ERR_METHOD_NOT_ALLOWED' && { Allow: RUFH_METHODS }),
    },
  }
}

/** What an upload that is there was told of its length and lifetime besides may be more, or less. */
function missed({ code, minimum = 0 }: UploadError, server: RufhServer): RufhServer {
  const maxSize = code === 'ERR_MAX_SIZE_EXCEEDED' ? server.maxSize : null
  const minima = {
    size: code === 'ERR_MIN_SIZE_NOT_REACHED' ? minimum : 0,
    chunkSize: code === 'ERR_CHUNK_SIZE_NOT_REACHED' ? minimum : 0,
  }
  return { ...server, maxSize, minima, lifetimeMs: null }
}

function statusAndType(
  { code }: UploadError,
  { gone }: RufhVersion,
): Pick<RefusalChanges, 'status' | 'type'> {
  switch (code) {
    case 'ERR_INVALID_UPLOAD_LENGTH':
      return { type: INCONSISTENT }
    // Not 413, after which a client may go on with less: this upload is over.
    case 'ERR_UPLOAD_SIZE_EXCEEDED':
      return { status: 400, type: INCONSISTENT }
    case 'ERR_INVALID_CHECKSUM':
      return { type: 'digest-invalid-values' }
    case 'ERR_MISMATCHED_CHECKSUM':
      return { status: 400, type: 'digest-mismatched-values' }
    case 'ERR_UPLOAD_GONE':
      return { status: gone }
    default:
      return {}
  }
}

/** Those of digests as draft-ietf-httpapi-digest-fields-problem-types has them. */
function members(
  { code, offset, message }: UploadError,
  header: TusRequest['header'],
): Pick<RefusalChanges, 'members'> {
  const digest = code === 'ERR_MISMATCHED_CHECKSUM' && parseContentDigest(header)
  if (digest) {
    const { algorithm, digest: base64 } = digest
    const told = { algorithm: keyOf(algorithm), header: 'Content-Digest' }
    return { members: { mismatched_digests: [{ ...told, provided_digest: `:${base64}:` }] } }
  }
  if (code === 'ERR_INVALID_CHECKSUM') {
    const invalid = findInvalidDigests(header)
    return { members: { invalid_digests: invalid.map((told) => ({ ...told, reason: message })) } }
  }
  const provided = parseNonNegativeInteger(header('upload-offset') ?? '')
  if (code !== 'ERR_MISMATCHED_OFFSET' || offset === undefined || provided === undefined) return {}
  return { members: { 'expected-offset': offset, 'provided-offset': provided } }
}

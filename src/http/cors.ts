/** Which web pages may use the server: one policy, for answers and refusals alike. @module */

/** The option `cors` of {@link TusApp}; `false` leaves the matter to the framework. */
export type CorsOption = false | CorsOptions

/** The policy in detail. */
export interface CorsOptions {
  /** Origins such as `https://app.example.org`. @defaultValue every origin */
  readonly origins?: readonly string[]
  /** Whether pages may send cookies; only with `origins`. @defaultValue false */
  readonly credentials?: boolean
  /** How long a browser may remember a preflight. @defaultValue 86_400 */
  readonly maxAgeSeconds?: number
}

const EXPOSED = [
  'Location, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Defer-Length, Upload-Concat',
  'Upload-Expires, Upload-Complete, Upload-Limit, Upload-Draft-Interop-Version',
  'Tus-Version, Tus-Resumable, Tus-Max-Size, Tus-Extension, Tus-Checksum-Algorithm',
  'Retry-After, Tussi-Error',
].join(', ')

const ALLOWED = [
  'Authorization, Content-Type, Origin, X-Requested-With, X-Request-ID, X-HTTP-Method-Override',
  'Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length',
  'Upload-Concat, Upload-Checksum, Upload-Complete, Upload-Draft-Interop-Version',
  'Content-Digest, Repr-Digest, Want-Repr-Digest',
].join(', ')

/** The option, checked and made ready. */
export interface CorsPolicy {
  readonly enabled: boolean
  /** `undefined` for every origin. */
  readonly origins: ReadonlySet<string> | undefined
  readonly credentials: boolean
  readonly maxAge: string
}

/** @throws `TypeError` */
export function resolveCors(option: CorsOption = {}): CorsPolicy {
  if (option === false) {
    return { enabled: false, origins: undefined, credentials: false, maxAge: '0' }
  }
  const { origins, credentials = false, maxAgeSeconds = 86_400 } = option
  for (const origin of origins ?? []) checkOrigin(origin)
  if (credentials && !origins) {
    throw new TypeError(
      'cors.credentials must come with cors.origins: a browser refuses * with them',
    )
  }
  if (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds < 0) {
    throw new TypeError(`cors.maxAgeSeconds must be a number of seconds, got ${maxAgeSeconds}`)
  }
  return {
    enabled: true,
    origins: origins && new Set(origins),
    credentials,
    maxAge: `${maxAgeSeconds}`,
  }
}

/** What a request says of its page, and what the answer may allow. */
export interface CorsRequest {
  readonly origin: string | undefined
  readonly preflight: boolean
  readonly methods: string
}

export function corsHeaders(policy: CorsPolicy, request: CorsRequest): Record<string, string> {
  const { enabled, origins, credentials, maxAge } = policy
  if (!enabled) return {}
  const { origin, preflight, methods } = request
  const vary = origins && { Vary: 'Origin' }
  if (origins && (origin === undefined || !origins.has(origin))) return { ...vary }
  return {
    ...vary,
    'Access-Control-Allow-Origin': origins && origin !== undefined ? origin : '*',
    ...(credentials && { 'Access-Control-Allow-Credentials': 'true' }),
    ...(preflight
      ? {
          'Access-Control-Allow-Methods': methods,
          'Access-Control-Allow-Headers': ALLOWED,
          'Access-Control-Max-Age': maxAge,
        }
      : { 'Access-Control-Expose-Headers': EXPOSED }),
  }
}

function checkOrigin(origin: string): void {
  const valid = URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin
  if (!valid) {
    throw new TypeError(`cors.origins must hold origins such as https://example.org, got ${origin}`)
  }
}

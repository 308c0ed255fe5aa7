/** Which web pages may use the server: one policy, for answers and refusals alike. @module */
import { consoleLogger, type Logger } from '../logger.ts'

/** The option `cors` of {@link TusApp}; `false` leaves the matter to the framework. */
export type CorsOption = false | CorsOptions

/** The policy in detail. */
export interface CorsOptions {
  /**
   * Origins such as `https://app.example.org`; a RegExp has to match the whole of one. A function is
   * asked about each that comes, and must say `true`. @defaultValue every origin
   */
  readonly origins?: readonly (string | RegExp)[] | OriginCheck
  /** Whether pages may send cookies; only with `origins`. @defaultValue false */
  readonly credentials?: boolean
  /** How long a browser may remember a preflight. @defaultValue 86_400 */
  readonly maxAgeSeconds?: number
}

/** Decides about one origin, sync or async; one that fails is logged, and allows nothing. */
export type OriginCheck = (origin: string) => boolean | Promise<boolean>

const EXPOSED = [
  'Location, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Defer-Length, Upload-Concat',
  'Upload-Expires, Upload-Complete, Upload-Incomplete, Upload-Limit, Upload-Draft-Interop-Version',
  'Accept-Patch, Content-Digest',
  'Tus-Version, Tus-Resumable, Tus-Max-Size, Tus-Extension, Tus-Checksum-Algorithm',
  'Retry-After, Tussi-Error',
].join(', ')

const ALLOWED = [
  'Authorization, Content-Type, Origin, X-Requested-With, X-Request-ID, X-HTTP-Method-Override',
  'Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length',
  'Upload-Concat, Upload-Checksum, Upload-Complete, Upload-Incomplete, Content-Disposition',
  'Content-Encoding',
  'Upload-Draft-Interop-Version, Content-Digest, Repr-Digest',
  'Want-Content-Digest, Want-Repr-Digest',
].join(', ')

/** An origin as browsers send it; nothing else is shown to patterns and functions. */
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,]{1,255})$/

/** The option, checked and made ready. */
export interface CorsPolicy {
  readonly enabled: boolean
  /** `undefined` for every origin. */
  readonly allows: OriginCheck | undefined
  readonly credentials: boolean
  readonly maxAge: string
}

/** @throws `TypeError` */
export function resolveCors(option: CorsOption = {}, logger: Logger = consoleLogger): CorsPolicy {
  if (option === false) {
    return { enabled: false, allows: undefined, credentials: false, maxAge: '0' }
  }
  const { origins, credentials = false, maxAgeSeconds = 86_400 } = option
  if (typeof credentials !== 'boolean') {
    throw new TypeError(`cors.credentials must be true or false, got ${String(credentials)}`)
  }
  if (credentials && !origins) {
    throw new TypeError(
      'cors.credentials must come with cors.origins: a browser refuses * with them',
    )
  }
  if (!Number.isSafeInteger(maxAgeSeconds) || maxAgeSeconds < 0) {
    throw new TypeError(`cors.maxAgeSeconds must be a number of seconds, got ${maxAgeSeconds}`)
  }
  const allows = origins && resolveOrigins(origins, logger)
  return { enabled: true, allows, credentials, maxAge: `${maxAgeSeconds}` }
}

/** What a request says of its page, and what the answer may allow. */
export interface CorsRequest {
  readonly origin: string | undefined
  readonly preflight: boolean
  readonly methods: string
}

const NONE = Object.freeze({})
/** Frozen: who writes answers keeps the text of what cannot change. */
const EVERYBODY = Object.freeze({
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': EXPOSED,
})

/** A promise only where the application is asked. */
export function corsHeaders(
  policy: CorsPolicy,
  request: CorsRequest,
): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>> {
  if (!policy.enabled) return NONE
  return policy.allows || request.preflight ? decide(policy, request) : EVERYBODY
}

async function decide(
  { allows, credentials, maxAge }: CorsPolicy,
  { origin = '', preflight, methods }: CorsRequest,
): Promise<Record<string, string>> {
  const vary = allows && { Vary: 'Origin' }
  if (allows && !(ORIGIN.test(origin) && (await allows(origin)))) return { ...vary }
  return {
    ...vary,
    'Access-Control-Allow-Origin': allows ? origin : '*',
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

function resolveOrigins(origins: NonNullable<CorsOptions['origins']>, logger: Logger): OriginCheck {
  if (typeof origins === 'function') return guarded(origins, logger)
  if (!Array.isArray(origins)) {
    throw new TypeError(`cors.origins must be a list or a function, got ${String(origins)}`)
  }
  const patterns = origins.filter((origin) => origin instanceof RegExp).map(anchored)
  const names = new Set<unknown>(origins.filter((origin) => !(origin instanceof RegExp)))
  for (const name of names) checkOrigin(name)
  return (origin) => names.has(origin) || patterns.some((pattern) => pattern.test(origin))
}

/** A pattern that matches a part would let in `https://app.example.org.evil.example`. */
function anchored({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, ''))
}

/** Whatever is not `true` is a no: a page that may not read an answer is safer than one that may. */
function guarded(check: OriginCheck, logger: Logger): OriginCheck {
  return async (origin) => {
    try {
      return (await check(origin)) === true
    } catch (error) {
      logger.error('cors.origins failed', { error })
      return false
    }
  }
}

function checkOrigin(origin: unknown): void {
  const valid =
    typeof origin === 'string' &&
    URL.canParse(origin) &&
    /^https?:/.test(origin) &&
    new URL(origin).origin === origin
  if (!valid) {
    throw new TypeError(
      `cors.origins must hold origins such as https://example.org, got ${String(origin)}`,
    )
  }
}

/** Options about who may upload how much at once. @module */
import type { Minima } from '../protocol/minima.ts'
import type { AuthorizeHook, UploadRequest } from './authorize.ts'
import type { ConcurrencyLimits } from './concurrency.ts'

/** Bytes, `null` for no limit, or a function that says so of a request. */
export type SizeRule =
  | number
  | null
  | ((request: UploadRequest) => number | null | Promise<number | null>)

/** Bytes, `null` for no limit, or a function that says so of an owner. */
export type QuotaRule =
  | number
  | null
  | ((owner: string, request: UploadRequest) => number | null | Promise<number | null>)

/** Who may upload, and how much. */
export interface AdmissionOptions {
  /**
   * Called before each creation, append, offset retrieval and termination, before a byte of a body is read
   * or a running request is disturbed. Throwing `new UploadError('ERR_REFUSED', message, { status: 401 })`
   * refuses, anything else thrown is a 500. The string that it returns for a creation is kept as owner of
   * the upload and shown as `upload.notes.owner` later; a string that it returns for a later request must be
   * that owner, or the request is refused. Uploads without an owner are refused as well.
   *
   * @example
   * ```ts
   * import { FilesystemStorage, TusApp } from 'tussi'
   *
   * const tus = new TusApp({
   *   storage: new FilesystemStorage({ directory: './uploads' }),
   *   completedDir: './completed',
   *   authorize: ({ request }) => request.headers['x-user'],
   * })
   * ```
   */
  readonly authorize?: AuthorizeHook | undefined
  /**
   * Largest upload in bytes, `null` for no limit, or a function of the request. A function is called for
   * creations, appends, and `OPTIONS`, which browsers send without credentials.
   *
   * @defaultValue null
   */
  readonly maxSize?: SizeRule | undefined
  /**
   * Smallest upload in bytes (`min-size` in section 4.1.4 of draft-ietf-httpbis-resumable-upload), 0 for no
   * limit; `ERR_MIN_SIZE_NOT_REACHED` for a length, or an end, below it. Parts of another upload may be
   * smaller. An upload that has begun is held to no more than was asked for then.
   *
   * @defaultValue 0
   */
  readonly minSize?: number | undefined
  /**
   * Smallest request body in bytes (`min-append-size` there), 0 for no limit; at most `maxChunkSize`. It
   * holds for requests with bytes that do not end their upload: `ERR_CHUNK_SIZE_NOT_REACHED`. One that is cut off
   * keeps what arrived. An upload that has begun is held to no more than was asked for then.
   *
   * @defaultValue 0
   */
  readonly minChunkSize?: number | undefined
  /**
   * Bytes that all uploads of one owner may reserve that are not in the queue yet: a number, or a function of
   * the owner. Counted together by all processes on one directory; free again when an upload has ended. Only
   * with `authorize`, for without it uploads have no owners.
   *
   * @defaultValue null
   */
  readonly quota?: QuotaRule | undefined
  /**
   * Uploads that may receive bodies at once in this process, `null` for no limit; clients beyond that are
   * answered 503 with `Retry-After`.
   *
   * @defaultValue null
   */
  readonly maxConcurrentRequests?: number | null | undefined
  /** The same for the uploads of one owner; only with `authorize`. @defaultValue null */
  readonly maxConcurrentRequestsPerOwner?: number | null | undefined
}

/** The same, resolved. */
export interface AdmissionRules extends ConcurrencyLimits {
  readonly authorize: AuthorizeHook | undefined
  readonly maxSize: SizeRule
  readonly minima: Minima
  readonly quota: QuotaRule
}

/** @throws `TypeError` naming option and value */
export function resolveAdmission(
  options: AdmissionOptions,
  { maxChunkSize }: { readonly maxChunkSize: number | null },
): AdmissionRules {
  const { authorize, maxSize = null, minSize = 0, minChunkSize = 0, quota = null } = options
  const { maxConcurrentRequests = null, maxConcurrentRequestsPerOwner = null } = options
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new TypeError(`authorize must be a function, got ${String(authorize)}`)
  }
  if (typeof maxSize !== 'function') checkLimit('maxSize', maxSize, 0)
  if (typeof quota !== 'function') checkLimit('quota', quota, 0)
  checkMinimum('minSize', minSize, maxSize)
  checkMinimum('minChunkSize', minChunkSize, maxChunkSize)
  checkLimit('maxConcurrentRequests', maxConcurrentRequests, 1)
  checkLimit('maxConcurrentRequestsPerOwner', maxConcurrentRequestsPerOwner, 1)
  for (const [name, value] of Object.entries({ quota, maxConcurrentRequestsPerOwner })) {
    if (value === null || authorize) continue
    throw new TypeError(`${name} must come with authorize: without it uploads have no owners`)
  }
  const minima = { size: minSize, chunkSize: minChunkSize }
  const concurrency = { maxConcurrentRequests, maxConcurrentRequestsPerOwner }
  return { authorize, maxSize, minima, quota, ...concurrency }
}

/** More than the maximum nobody could keep to. */
function checkMinimum(name: string, value: number, maximum: SizeRule): void {
  const most = typeof maximum === 'number' ? maximum : Number.MAX_SAFE_INTEGER
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return
  throw new TypeError(`${name} must be a whole number from 0 to ${most}, got ${String(value)}`)
}

function checkLimit(name: string, value: number | null, least: number): void {
  if (value === null || (Number.isSafeInteger(value) && value >= least)) return
  throw new TypeError(`${name} must be a whole number from ${least} or null, got ${String(value)}`)
}

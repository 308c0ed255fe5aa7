/**
 * The one error class of the library and its closed set of codes. No HTTP in here:
 * `http/problem.ts` maps codes to answers.
 *
 * @module
 */

/** Stable codes; the names are tusd's wherever the meaning is the same. */
export type UploadErrorCode =
  | 'ERR_ALREADY_SAVED'
  | 'ERR_BODY_CONSUMED'
  | 'ERR_CHUNK_SIZE_EXCEEDED'
  | 'ERR_CHUNK_SIZE_NOT_REACHED'
  | 'ERR_CLAIM_ENDED'
  | 'ERR_CONNECTION_RESET'
  | 'ERR_CORRUPT_RECORD'
  | 'ERR_DIRECTORY'
  | 'ERR_FILE_EXISTS'
  | 'ERR_INSUFFICIENT_STORAGE'
  | 'ERR_INVALID_CHECKSUM'
  | 'ERR_INVALID_CONCAT'
  | 'ERR_INVALID_CONTENT_LENGTH'
  | 'ERR_INVALID_CONTENT_TYPE'
  | 'ERR_INVALID_HOST'
  | 'ERR_INVALID_METADATA'
  | 'ERR_INVALID_OFFSET'
  | 'ERR_INVALID_UPLOAD_COMPLETE'
  | 'ERR_INVALID_UPLOAD_LENGTH'
  | 'ERR_MAX_SIZE_EXCEEDED'
  | 'ERR_METHOD_NOT_ALLOWED'
  | 'ERR_MIN_SIZE_NOT_REACHED'
  | 'ERR_MISMATCHED_CHECKSUM'
  | 'ERR_MISMATCHED_OFFSET'
  | 'ERR_MODIFY_FINAL'
  | 'ERR_NATIVE_UNAVAILABLE'
  | 'ERR_QUOTA_EXCEEDED'
  | 'ERR_READ_TIMEOUT'
  | 'ERR_RECORD_VERSION'
  | 'ERR_REFUSED'
  | 'ERR_SERVER_ERROR'
  | 'ERR_SHUTTING_DOWN'
  | 'ERR_STORAGE'
  | 'ERR_TOO_MANY_REQUESTS'
  | 'ERR_UNSUPPORTED_CHECKSUM'
  | 'ERR_UNSUPPORTED_VERSION'
  | 'ERR_UPLOAD_COMPLETED'
  | 'ERR_UPLOAD_EXISTS'
  | 'ERR_UPLOAD_GONE'
  | 'ERR_UPLOAD_INTERRUPTED'
  | 'ERR_UPLOAD_LOCKED'
  | 'ERR_UPLOAD_NOT_FOUND'
  | 'ERR_UPLOAD_SIZE_EXCEEDED'

/** What an error may carry besides its message. */
export interface UploadErrorOptions {
  readonly cause?: unknown
  /** For `ERR_REFUSED` only: the 4xx status of the answer. @defaultValue 403 */
  readonly status?: number
  /** The true offset of the upload, where the caller needs it to go on. */
  readonly offset?: number
  /** After how many seconds a retry may succeed. */
  readonly retryAfterSeconds?: number
  /** For `ERR_…_NOT_REACHED`: the limit, in bytes. */
  readonly minimum?: number
}

/**
 * A failure the caller can act on. Switch on `code`; `message` is for people and may change.
 *
 * @example
 * ```ts
 * const onCreate = () => {
 *   throw new UploadError('ERR_REFUSED', 'only on weekdays', { status: 403 })
 * }
 * ```
 */
export class UploadError extends Error {
  override readonly name = 'UploadError' as const
  readonly code: UploadErrorCode
  readonly status: number | undefined
  readonly offset: number | undefined
  readonly retryAfterSeconds: number | undefined
  readonly minimum: number | undefined

  constructor(code: UploadErrorCode, message: string, options: UploadErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    const { status, offset, retryAfterSeconds, minimum } = options
    if (status !== undefined && (code !== 'ERR_REFUSED' || !isClientError(status))) {
      throw new TypeError(`status ${status} is only for ERR_REFUSED, from 400 to 499`)
    }
    this.code = code
    this.status = status
    this.offset = offset
    this.retryAfterSeconds = retryAfterSeconds
    this.minimum = minimum
  }
}

function isClientError(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 499
}

/** Maps every error code to its HTTP answer. A code without one does not compile. @module */
import { UploadError, type UploadErrorCode } from '../errors.ts'
import type { RefusalChanges } from '../protocol/rufh-refusal.ts'

const IANA = 'https://iana.org/assignments/http-problem-types#'

interface Problem {
  readonly status: number
  readonly title: string
  /** Set where a problem type is registered. */
  readonly type?: string
  /** Seconds after which a retry is worth while, unless the error knows better. */
  readonly retryAfter?: number
}

const SERVER_FAULT: Problem = { status: 500, title: 'Server fault' }

export const PROBLEMS: Readonly<Record<UploadErrorCode, Problem>> = {
  ERR_ALREADY_SAVED: SERVER_FAULT,
  ERR_BODY_CONSUMED: { status: 500, title: 'Request body already consumed' },
  ERR_CHUNK_SIZE_EXCEEDED: { status: 413, title: 'Request body too large' },
  ERR_CHUNK_SIZE_NOT_REACHED: { status: 400, title: 'Request body too small' },
  ERR_CLAIM_ENDED: SERVER_FAULT,
  ERR_CONNECTION_RESET: { status: 400, title: 'Request body cut off' },
  ERR_CORRUPT_RECORD: { status: 500, title: 'Upload record damaged' },
  ERR_DIRECTORY: SERVER_FAULT,
  ERR_FILE_EXISTS: SERVER_FAULT,
  ERR_INSUFFICIENT_STORAGE: { status: 507, title: 'Not enough space' },
  ERR_INVALID_CHECKSUM: { status: 400, title: 'Invalid checksum' },
  ERR_INVALID_CONCAT: { status: 400, title: 'Invalid Upload-Concat' },
  ERR_INVALID_CONTENT_LENGTH: { status: 400, title: 'Invalid Content-Length' },
  ERR_INVALID_CONTENT_TYPE: { status: 415, title: 'Wrong content type' },
  ERR_INVALID_HOST: { status: 400, title: 'Invalid Host' },
  ERR_INVALID_METADATA: { status: 400, title: 'Invalid metadata' },
  ERR_INVALID_OFFSET: { status: 400, title: 'Invalid Upload-Offset' },
  ERR_INVALID_UPLOAD_COMPLETE: { status: 400, title: 'Invalid Upload-Complete' },
  ERR_INVALID_UPLOAD_LENGTH: { status: 400, title: 'Invalid Upload-Length' },
  ERR_MAX_SIZE_EXCEEDED: { status: 413, title: 'Upload too large' },
  ERR_METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  ERR_MIN_SIZE_NOT_REACHED: { status: 400, title: 'Upload too small' },
  ERR_MISMATCHED_CHECKSUM: { status: 460, title: 'Checksum mismatch' },
  ERR_MISMATCHED_OFFSET: {
    status: 409,
    title: 'Offset mismatch',
    type: `${IANA}mismatching-upload-offset`,
  },
  ERR_MODIFY_FINAL: { status: 403, title: 'Final upload' },
  ERR_NATIVE_UNAVAILABLE: SERVER_FAULT,
  ERR_QUOTA_EXCEEDED: { status: 413, title: 'Quota exceeded' },
  // Not 408, which is final for tus-js-client: a sender that stumbled may go on.
  ERR_READ_TIMEOUT: { status: 503, title: 'Request body too slow', retryAfter: 1 },
  ERR_RECORD_VERSION: { status: 500, title: 'Upload record of a newer version' },
  ERR_REFUSED: { status: 403, title: 'Refused' },
  ERR_SERVER_ERROR: SERVER_FAULT,
  ERR_SHUTTING_DOWN: { status: 503, title: 'Shutting down', retryAfter: 1 },
  ERR_STORAGE: { status: 500, title: 'Storage failed' },
  ERR_TOO_MANY_REQUESTS: { status: 503, title: 'Too many uploads at once', retryAfter: 5 },
  ERR_UNSUPPORTED_CHECKSUM: { status: 400, title: 'Unsupported checksum' },
  ERR_UNSUPPORTED_VERSION: { status: 412, title: 'Unsupported tus version' },
  ERR_UPLOAD_COMPLETED: {
    status: 400,
    title: 'Upload complete',
    type: `${IANA}completed-upload`,
  },
  ERR_UPLOAD_EXISTS: { status: 409, title: 'Upload exists' },
  ERR_UPLOAD_GONE: { status: 410, title: 'Upload gone' },
  ERR_UPLOAD_INTERRUPTED: { status: 409, title: 'Taken over by another request' },
  ERR_UPLOAD_LOCKED: { status: 423, title: 'Upload locked', retryAfter: 1 },
  ERR_UPLOAD_NOT_FOUND: { status: 404, title: 'Upload not found' },
  ERR_UPLOAD_SIZE_EXCEEDED: { status: 413, title: 'Upload length exceeded' },
}

/** A refusal, ready to be sent. */
export interface ProblemReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** `application/problem+json`, RFC 9457. */
  readonly body: string
  /** What happened, for the log. */
  readonly error: UploadError
}

/** How the dialect of a request changes the answer to an error. */
export type Adapt = (error: UploadError) => Partial<RefusalChanges>

/** Anything thrown becomes an answer; of the server's own faults it shows no more than the code. */
export function toProblem(thrown: unknown, adapt: Adapt = () => ({})): ProblemReply {
  const error = toUploadError(thrown)
  const { code, offset, retryAfterSeconds } = error
  const { title, type: usualType, retryAfter, status: usual } = PROBLEMS[code]
  const changes = adapt(error)
  const status = error.status ?? changes.status ?? usual
  const type = changes.type ? `${IANA}${changes.type}` : (usualType ?? 'about:blank')
  const retry = retryAfterSeconds ?? retryAfter
  const detail =
    status === 500 && code !== 'ERR_BODY_CONSUMED'
      ? 'The server could not do this; its log says why. What was acknowledged is kept.'
      : error.message
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'Tussi-Error': code,
      ...(retry !== undefined && { 'Retry-After': `${retry}` }),
      ...(offset !== undefined && { 'Upload-Offset': `${offset}` }),
      ...changes.headers,
    },
    body: JSON.stringify({ type, title, status, detail, code, offset, ...changes.members }),
    error,
  }
}

function toUploadError(thrown: unknown): UploadError {
  if (thrown instanceof UploadError) return thrown
  return new UploadError('ERR_SERVER_ERROR', 'an unexpected error', { cause: thrown })
}

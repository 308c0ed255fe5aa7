import { UploadError } from '../errors.ts'

/** What a body ends with whose client has gone. */
export function connectionReset(cause?: unknown): UploadError {
  const message = 'the connection ended before the body did'
  return new UploadError('ERR_CONNECTION_RESET', message, cause === undefined ? {} : { cause })
}

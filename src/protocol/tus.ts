/**
 * The tus 1.0.0 dialect: request fields to an {@link Operation}, an {@link Outcome} to status and
 * fields. Pure.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import type { Operation, Outcome } from './operation.ts'
import { parseUnsignedInteger } from './unsigned-integer.ts'
import { parseUploadMetadata } from './upload-metadata.ts'

export const TUS_VERSION = '1.0.0'
const APPEND_CONTENT_TYPE = 'application/offset+octet-stream'

/** The methods of the dialect as `Allow` lists them. */
export const TUS_METHODS = 'OPTIONS, POST, HEAD, PATCH'

/** What the dialect reads of a request. */
export interface TusRequest {
  /** After `X-HTTP-Method-Override`. */
  readonly method: string
  /** The upload that the target names; `undefined` where it names none. */
  readonly id: string | undefined
  readonly header: (name: string) => string | undefined
}

/** What the dialect tells of the server. */
export interface TusServer {
  readonly extensions: string
  readonly maxSize: number | null
  readonly maxMetadataSize: number
}

/**
 * @throws `ERR_UNSUPPORTED_VERSION`, `ERR_METHOD_NOT_ALLOWED`, `ERR_UPLOAD_NOT_FOUND` and
 * `ERR_INVALID_…`
 */
export function parseTusRequest(request: TusRequest, server: TusServer): Operation {
  const { method, id, header } = request
  if (method === 'OPTIONS') return { type: 'describe' }
  if (header('tus-resumable') !== TUS_VERSION) {
    throw new UploadError('ERR_UNSUPPORTED_VERSION', `Tus-Resumable must be ${TUS_VERSION}`)
  }
  if (method === 'POST') return parseCreation(header, server.maxMetadataSize)
  if (method !== 'HEAD' && method !== 'PATCH') {
    throw new UploadError('ERR_METHOD_NOT_ALLOWED', `${method} is not one of ${TUS_METHODS}`)
  }
  if (id === undefined) {
    throw new UploadError('ERR_UPLOAD_NOT_FOUND', 'the URL does not name an upload')
  }
  return method === 'HEAD' ? { type: 'retrieve-offset', id } : parseAppend(id, header)
}

export function formatTusOutcome(
  outcome: Outcome,
  server: TusServer,
): { status: number; headers: Record<string, string> } {
  switch (outcome.type) {
    case 'described':
      return {
        status: 204,
        headers: {
          'Tus-Version': TUS_VERSION,
          'Tus-Extension': server.extensions,
          ...(server.maxSize !== null && { 'Tus-Max-Size': `${server.maxSize}` }),
        },
      }
    case 'created':
      return { status: 201, headers: { Location: outcome.location } }
    case 'appended':
      return { status: 204, headers: { 'Upload-Offset': `${outcome.upload.offset}` } }
    case 'retrieved': {
      const { offset, length, uploadMetadata } = outcome.upload
      return {
        status: 200,
        headers: {
          'Upload-Offset': `${offset}`,
          ...(length !== null && { 'Upload-Length': `${length}` }),
          ...(uploadMetadata !== '' && { 'Upload-Metadata': uploadMetadata }),
          'Cache-Control': 'no-store',
        },
      }
    }
  }
}

function parseCreation(header: TusRequest['header'], maxMetadataSize: number): Operation {
  const field = header('upload-length')
  const length = field === undefined ? undefined : parseUnsignedInteger(field)
  if (length === undefined) {
    throw new UploadError(
      'ERR_INVALID_UPLOAD_LENGTH',
      'Upload-Length must be given once, as a non-negative integer',
    )
  }
  const metadata = header('upload-metadata') ?? ''
  if (metadata.length > maxMetadataSize) {
    throw new UploadError(
      'ERR_INVALID_METADATA',
      `Upload-Metadata has ${metadata.length} bytes, ${maxMetadataSize} are accepted`,
    )
  }
  return { type: 'create', length, metadata: parseUploadMetadata(metadata) }
}

function parseAppend(id: string, header: TusRequest['header']): Operation {
  if (mediaType(header('content-type')) !== APPEND_CONTENT_TYPE) {
    throw new UploadError(
      'ERR_INVALID_CONTENT_TYPE',
      `the Content-Type of a PATCH must be ${APPEND_CONTENT_TYPE}`,
    )
  }
  const coding = header('transfer-encoding')?.trim().toLowerCase() ?? 'chunked'
  if (coding !== 'chunked') {
    throw new UploadError(
      'ERR_INVALID_CONTENT_TYPE',
      `the Transfer-Encoding of a body may be chunked and nothing else, for ${coding} is not undone`,
    )
  }
  const offset = parseUnsignedInteger(header('upload-offset') ?? '')
  if (offset === undefined) {
    throw new UploadError(
      'ERR_INVALID_OFFSET',
      'Upload-Offset must be given once, as a non-negative integer',
    )
  }
  return { type: 'append', id, offset, contentLength: parseContentLength(header) }
}

function parseContentLength(header: TusRequest['header']): number | undefined {
  const field = header('content-length')
  if (field === undefined) return undefined
  const length = parseUnsignedInteger(field)
  if (length === undefined || header('transfer-encoding') !== undefined) {
    throw new UploadError(
      'ERR_INVALID_CONTENT_LENGTH',
      'Content-Length must be one non-negative integer and stand without Transfer-Encoding',
    )
  }
  return length
}

function mediaType(field: string | undefined): string | undefined {
  return field?.split(';', 1)[0]?.trim().toLowerCase()
}

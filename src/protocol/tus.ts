/**
 * The tus 1.0.0 dialect: request fields to an {@link Operation}, an {@link Outcome} to status and
 * fields. Pure.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import type { Operation, Outcome, ShownAnswer, ShownUpload } from './operation.ts'
import { parseAppend, parseCreation } from './tus-request.ts'
import { CHECKSUM_BYTES } from './upload-checksum.ts'

export const TUS_VERSION = '1.0.0'

/** The methods of the dialect as `Allow` lists them. */
export const TUS_METHODS = 'OPTIONS, POST, HEAD, PATCH, DELETE'

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
  readonly extensions: readonly string[]
  readonly maxSize: number | null
  readonly maxMetadataSize: number
}

/** An answer before the common fields. */
export interface TusAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * @throws `ERR_UNSUPPORTED_VERSION`, `ERR_METHOD_NOT_ALLOWED`, `ERR_UPLOAD_NOT_FOUND` and
 * `ERR_INVALID_…`
 */
export function parseTusRequest(
  request: TusRequest,
  server: Pick<TusServer, 'maxMetadataSize'>,
): Operation {
  const { method, id, header } = request
  if (method === 'OPTIONS') return { type: 'describe' }
  if (header('tus-resumable') !== TUS_VERSION) {
    throw new UploadError('ERR_UNSUPPORTED_VERSION', `Tus-Resumable must be ${TUS_VERSION}`)
  }
  if (method === 'POST') return parseCreation(header, server.maxMetadataSize)
  if (method !== 'HEAD' && method !== 'PATCH' && method !== 'DELETE') {
    throw new UploadError('ERR_METHOD_NOT_ALLOWED', `${method} is not one of ${TUS_METHODS}`)
  }
  if (id === undefined) {
    throw new UploadError('ERR_UPLOAD_NOT_FOUND', 'the URL does not name an upload')
  }
  if (method === 'PATCH') return parseAppend(id, header)
  return method === 'HEAD'
    ? { type: 'retrieve-offset', id, byLength: true }
    : { type: 'terminate', id }
}

export function formatTusOutcome(outcome: Outcome, server: TusServer): TusAnswer {
  switch (outcome.type) {
    case 'described':
      return { status: 204, headers: describe(server) }
    case 'created': {
      const { upload, location } = outcome
      // Also of a creation without content: tus-js-client may have expected to send some.
      const offset = !isPending(upload) && { 'Upload-Offset': `${upload.offset}` }
      return completing(upload, 201, { Location: location, ...offset, ...expiry(upload) })
    }
    case 'appended': {
      const { upload } = outcome
      return completing(upload, 204, { 'Upload-Offset': `${upload.offset}`, ...expiry(upload) })
    }
    case 'terminated':
      return { status: 204, headers: {} }
    case 'retrieved':
      return { status: 200, headers: retrieved(outcome.upload) }
  }
}

function describe({ extensions, maxSize }: TusServer): Record<string, string> {
  const checksum = extensions.includes('checksum')
  return {
    'Tus-Version': TUS_VERSION,
    'Tus-Extension': extensions.join(','),
    ...(maxSize !== null && { 'Tus-Max-Size': `${maxSize}` }),
    ...(checksum && { 'Tus-Checksum-Algorithm': Object.keys(CHECKSUM_BYTES).join(',') }),
  }
}

function retrieved(upload: ShownUpload): Record<string, string> {
  const { offset, length, uploadMetadata, notes } = upload
  const { concat } = notes
  const pending = isPending(upload)
  return {
    'Cache-Control': 'no-store',
    ...(!pending && { 'Upload-Offset': `${offset}` }),
    ...(length !== null && { 'Upload-Length': `${length}` }),
    ...(length === null && !pending && { 'Upload-Defer-Length': '1' }),
    ...(uploadMetadata !== '' && { 'Upload-Metadata': uploadMetadata }),
    ...(concat && { 'Upload-Concat': concat.field }),
    ...expiry(upload),
  }
}

/** A final upload that is not put together yet has no bytes of its own. */
function isPending({ notes, state }: ShownUpload): boolean {
  return notes.concat?.parts !== undefined && state === 'receiving'
}

/** The application's answer belongs to the request that completed the upload, and to its repetition. */
export function completing(
  { notes, state }: ShownUpload,
  usual: number,
  headers: Readonly<Record<string, string>>,
): TusAnswer {
  const answer: ShownAnswer | undefined = state === 'receiving' ? undefined : notes.answer
  if (!answer) return { status: usual, headers }
  const { status, headers: own, body } = answer
  return {
    status: status ?? (usual === 204 && body !== undefined ? 200 : usual),
    headers: { ...own, ...headers, ...(body !== undefined && { 'Content-Type': JSON_TYPE }) },
    ...(body !== undefined && { body }),
  }
}

const JSON_TYPE = 'application/json'

function expiry({ expiresAt }: ShownUpload): Record<string, string> {
  return expiresAt ? { 'Upload-Expires': expiresAt.toUTCString() } : {}
}

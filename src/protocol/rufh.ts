/**
 * The IETF dialect, "Resumable Uploads for HTTP": request fields to an {@link Operation}, an
 * {@link Outcome}, a refusal or a 104 to status and fields. What differs between its versions stands
 * in `rufh-versions.ts`. Pure.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import { type Minima, minimaOf } from './minima.ts'
import type { Operation, Outcome, ShownUpload } from './operation.ts'
import { PARTIAL_UPLOAD, parseRufhAppend, parseRufhCreation } from './rufh-request.ts'
import type { RufhVersion } from './rufh-versions.ts'
import { formatBoolean, formatDictionary } from './structured-field.ts'
import { completing, type TusAnswer, type TusRequest } from './tus.ts'

/** The methods of the dialect as `Allow` lists them. */
export const RUFH_METHODS = 'OPTIONS, POST, PUT, HEAD, GET, PATCH, DELETE'

const CREATIONS: ReadonlySet<string> = new Set(['POST', 'PUT'])

/** What the dialect tells of the server. */
export interface RufhServer {
  readonly maxSize: number | null
  readonly maxChunkSize: number | null
  readonly minima: Minima
  readonly maxMetadataSize: number
  /** How long an upload lives that is not gone on with, `null` for ever. */
  readonly lifetimeMs: number | null
  /** Unix time in milliseconds: a lifetime counts from the answer, and a request may take long. */
  readonly now: () => number
}

/**
 * @throws `ERR_METHOD_NOT_ALLOWED`, `ERR_UPLOAD_NOT_FOUND` and `ERR_INVALID_…`
 */
export function parseRufhRequest(
  { method, id, header }: TusRequest,
  version: RufhVersion,
  { maxMetadataSize }: Pick<RufhServer, 'maxMetadataSize'>,
): Operation {
  if (method === 'OPTIONS') return { type: 'describe' }
  if (CREATIONS.has(method)) return parseRufhCreation(header, version, maxMetadataSize)
  if (method !== 'HEAD' && method !== 'GET' && method !== 'PATCH' && method !== 'DELETE') {
    throw new UploadError('ERR_METHOD_NOT_ALLOWED', `${method} is not one of ${RUFH_METHODS}`)
  }
  if (id === undefined) {
    throw new UploadError('ERR_UPLOAD_NOT_FOUND', 'the URL does not name an upload')
  }
  if (method === 'PATCH') return parseRufhAppend(id, header, version)
  if (version.strict.some((name) => header(name) !== undefined)) {
    throw new UploadError('ERR_INVALID_OFFSET', `a ${method} must not have fields of the state`)
  }
  return { type: method === 'DELETE' ? 'terminate' : 'retrieve-offset', id }
}

export function formatRufhOutcome(
  outcome: Outcome,
  version: RufhVersion,
  server: RufhServer,
): TusAnswer {
  switch (outcome.type) {
    case 'described':
      return {
        status: 204,
        headers: { 'Accept-Patch': PARTIAL_UPLOAD, ...limits(version, server) },
      }
    case 'created':
      return written(outcome.upload, outcome.location, version, server)
    case 'appended':
      return written(outcome.upload, undefined, version, server)
    case 'terminated':
      return { status: 204, headers: {} }
    case 'retrieved': {
      const { length, offset } = outcome.upload
      return {
        status: 204,
        headers: {
          'Cache-Control': 'no-store',
          'Upload-Offset': `${offset}`,
          ...formatCompleteness(outcome.upload.state !== 'receiving', version),
          ...(length !== null && { 'Upload-Length': `${length}` }),
          ...limits(version, server, outcome.upload),
        },
      }
    }
  }
}

/** The first 104 of a creation, which tells where the upload is. */
export function formatAnnouncement(
  upload: ShownUpload,
  location: string,
  version: RufhVersion,
  server: RufhServer,
): Record<string, string> {
  return { Location: location, ...draft(version), ...limits(version, server, upload) }
}

/** A later 104, which tells how far the upload has come. */
export function formatProgress(offset: number, version: RufhVersion): Record<string, string> {
  return { 'Upload-Offset': `${offset}`, ...draft(version) }
}

/** Of an upload, or of those that will be made. A limit is never tighter than what was agreed upon. */
export function limits(
  { lifetime }: RufhVersion,
  { maxSize, maxChunkSize, minima, lifetimeMs, now }: RufhServer,
  upload?: ShownUpload,
): Record<string, string> {
  if (lifetime === undefined) return {}
  const nowMs = now()
  const expiresAt = upload ? upload.expiresAt?.getTime() : nowMs + (lifetimeMs ?? Number.NaN)
  const seconds = Math.max(0, Math.floor(((expiresAt ?? Number.NaN) - nowMs) / 1000))
  const { size, chunkSize } = upload ? minimaOf(minima, upload.notes.minima) : minima
  const members = formatDictionary({
    'max-size': maxSize === null ? undefined : Math.max(maxSize, upload?.length ?? 0),
    'min-size': size || undefined,
    'max-append-size': maxChunkSize ?? undefined,
    'min-append-size': chunkSize || undefined,
    [lifetime]: Number.isNaN(seconds) ? undefined : seconds,
  })
  return { 'Upload-Limit': members || 'min-size=0' }
}

/** One and the same answer for whichever request completes an upload, and for its repetition. */
function written(
  upload: ShownUpload,
  location: string | undefined,
  version: RufhVersion,
  server: RufhServer,
): TusAnswer {
  const own = upload.state === 'receiving' ? {} : (upload.notes.answer?.headers ?? {})
  const moved = Object.keys(own).some((name) => name.toLowerCase() === 'location')
  const headers = {
    'Upload-Offset': `${upload.offset}`,
    ...formatCompleteness(upload.state !== 'receiving', version),
    ...(location !== undefined && !moved && { Location: location }),
    ...limits(version, server, upload),
  }
  const goesOn = upload.state === 'receiving' && location === undefined
  return completing(upload, goesOn ? version.appended : 201, headers)
}

/** Whether an answer comes from what the upload was for, which ends it, or from the protocol. */
export function formatCompleteness(
  complete: boolean,
  { completeness }: RufhVersion,
): Record<string, string> {
  const value = completeness === 'Upload-Complete' ? complete : !complete
  return { [completeness]: formatBoolean(value) }
}

function draft({ interop }: RufhVersion): Record<string, string> {
  return { 'Upload-Draft-Interop-Version': `${interop}` }
}

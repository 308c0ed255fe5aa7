/** The fields of the IETF protocol that ask for something: creation and append. Pure. @module */
import { UploadError } from '../errors.ts'
import { parseFilename } from './content-disposition.ts'
import { parseContentDigest, parseReprDigests } from './digest-fields.ts'
import type { AppendOperation, ContentTerms, CreateOperation } from './operation.ts'
import type { RufhVersion } from './rufh-versions.ts'
import { parseBoolean, parseNonNegativeInteger } from './structured-field.ts'
import { mediaType, parseContentLength, parseMetadata } from './tus-request.ts'
import { formatPair, type UploadMetadata } from './upload-metadata.ts'

type Header = (name: string) => string | undefined

export const PARTIAL_UPLOAD = 'application/partial-upload'

export function parseRufhCreation(
  header: Header,
  version: RufhVersion,
  maxMetadataSize: number,
): CreateOperation {
  const content = parseContent(header)
  const { contentLength, checksum } = content
  const said = parseCompleteness(header, version)
  const length = lengthOf(header, said ? contentLength : undefined)
  const empty = version.emptyCompletes && length === 0
  const digests = parseReprDigests(header)
  return {
    type: 'create',
    length: length ?? null,
    metadata: parseRepresentation(header, maxMetadataSize),
    complete: said || empty,
    ...((contentLength !== 0 || checksum) && { content }),
    ...(digests && { digests }),
  }
}

export function parseRufhAppend(id: string, header: Header, version: RufhVersion): AppendOperation {
  if (version.typed && mediaType(header('content-type')) !== PARTIAL_UPLOAD) {
    throw new UploadError(
      'ERR_INVALID_CONTENT_TYPE',
      `the Content-Type of an append must be ${PARTIAL_UPLOAD}`,
    )
  }
  const offset = parseNonNegativeInteger(header('upload-offset') ?? '')
  if (offset === undefined) {
    throw new UploadError(
      'ERR_INVALID_OFFSET',
      'Upload-Offset must be given once, as a non-negative integer',
    )
  }
  const content = parseContent(header)
  const { contentLength } = content
  const complete = parseCompleteness(header, version)
  const end = complete && contentLength !== undefined ? offset + contentLength : undefined
  const length = lengthOf(header, end)
  return {
    type: 'append',
    id,
    offset,
    ...content,
    complete,
    ...(length !== undefined && { length }),
  }
}

function parseContent(header: Header): ContentTerms {
  const contentLength = parseContentLength(header)
  const checksum = parseContentDigest(header)
  return { contentLength, ...(checksum && { checksum }) }
}

/** A field that is none counts as missing, and neither a creation nor an append can do without. */
function parseCompleteness(header: Header, { completeness }: RufhVersion): boolean {
  const value = parseBoolean(header(completeness.toLowerCase()) ?? '')
  if (value !== undefined) return completeness === 'Upload-Complete' ? value : !value
  throw new UploadError('ERR_INVALID_UPLOAD_COMPLETE', `${completeness} must be ?0 or ?1`)
}

/** What `Upload-Length` tells and what the end of the content tells: both, either or neither. */
function lengthOf(header: Header, end: number | undefined): number | undefined {
  const told = parseNonNegativeInteger(header('upload-length') ?? '')
  if (told === undefined || end === undefined || told === end) return told ?? end
  throw new UploadError(
    'ERR_INVALID_UPLOAD_LENGTH',
    `Upload-Length says ${told} bytes, but the content ends the upload at ${end}`,
  )
}

/** What tus clients say in `Upload-Metadata` stands in fields of HTTP here; either may be used. */
function parseRepresentation(header: Header, maxMetadataSize: number): UploadMetadata {
  const { values, echo } = parseMetadata(header, maxMetadataSize)
  const type = header('content-type')
  const told: Readonly<Record<string, string | undefined>> = {
    filename: parseFilename(header('content-disposition') ?? ''),
    filetype: mediaType(type) === PARTIAL_UPLOAD ? undefined : type,
    'content-encoding': header('content-encoding'),
  }
  // Also one whose value is no text.
  const said = new Set(echo.split(',').map((pair) => pair.split(' ', 1)[0]))
  const more = Object.entries(told).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !said.has(pair[0]),
  )
  const all = [echo, ...more.map(([key, value]) => formatPair(key, value))]
  const field = all.filter((pair) => pair !== '').join(',')
  if (field.length <= maxMetadataSize) {
    return { values: { ...values, ...Object.fromEntries(more) }, echo: field }
  }
  throw new UploadError(
    'ERR_INVALID_METADATA',
    `the metadata has ${field.length} bytes, ${maxMetadataSize} are accepted`,
  )
}

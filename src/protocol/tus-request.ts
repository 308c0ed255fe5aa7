/** The fields of tus 1.0.0 that ask for something: creation, its extensions, and append. Pure. @module */
import { UploadError } from '../errors.ts'
import type { AppendOperation, ContentTerms, Operation } from './operation.ts'
import { parseUnsignedInteger } from './unsigned-integer.ts'
import { parseUploadChecksum, type UploadChecksum } from './upload-checksum.ts'
import { parseUploadConcat, type UploadConcatField } from './upload-concat.ts'
import { parseUploadMetadata, type UploadMetadata } from './upload-metadata.ts'

type Header = (name: string) => string | undefined

const CONTENT_TYPE = 'application/offset+octet-stream'

export function parseCreation(header: Header, maxMetadataSize: number): Operation {
  const metadata = parseMetadata(header, maxMetadataSize)
  const concat = parseConcat(header)
  const field = header('upload-concat') ?? ''
  const content = parseCreationContent(header)
  if (concat?.type === 'final') {
    if (content || header('upload-length') !== undefined) {
      const why = 'a final upload has the length and the bytes of its parts'
      throw new UploadError('ERR_INVALID_CONCAT', `${why}: Upload-Length and a body are for parts`)
    }
    return { type: 'concatenate', metadata, field, urls: concat.urls }
  }
  const length = parseLength(header)
  return {
    type: 'create',
    length,
    metadata,
    ...(concat && { partial: field }),
    ...(content && { content }),
  }
}

export function parseAppend(id: string, header: Header): AppendOperation {
  if (mediaType(header('content-type')) !== CONTENT_TYPE) throw wrongType('of a PATCH')
  const offset = parseUnsignedInteger(header('upload-offset') ?? '')
  if (offset === undefined) {
    throw new UploadError(
      'ERR_INVALID_OFFSET',
      'Upload-Offset must be given once, as a non-negative integer',
    )
  }
  const length = header('upload-length')
  const told = length === undefined ? {} : { length: lengthOf(length) }
  return { type: 'append', id, offset, ...told, ...parseContentTerms(header) }
}

/** Of the trailer section, where the field was announced for it. @throws `ERR_INVALID_CHECKSUM` */
export function parseChecksum(field: string | undefined): UploadChecksum {
  const checksum = parseUploadChecksum(field ?? '')
  if (checksum === 'unsupported') {
    throw new UploadError('ERR_UNSUPPORTED_CHECKSUM', 'the checksum algorithm is not supported')
  }
  if (checksum) return checksum
  throw new UploadError(
    'ERR_INVALID_CHECKSUM',
    'Upload-Checksum must be the name of an algorithm, a space, and a digest of its length in base64',
  )
}

export function parseMetadata(header: Header, maxMetadataSize: number): UploadMetadata {
  const metadata = header('upload-metadata') ?? ''
  if (metadata.length <= maxMetadataSize) return parseUploadMetadata(metadata)
  throw new UploadError(
    'ERR_INVALID_METADATA',
    `Upload-Metadata has ${metadata.length} bytes, ${maxMetadataSize} are accepted`,
  )
}

function parseConcat(header: Header): UploadConcatField | undefined {
  const field = header('upload-concat')
  if (field === undefined) return undefined
  const concat = parseUploadConcat(field)
  if (concat) return concat
  throw new UploadError(
    'ERR_INVALID_CONCAT',
    'Upload-Concat must be "partial", or "final;" and the URLs of the parts',
  )
}

function parseLength(header: Header): number | null {
  const length = header('upload-length')
  const deferred = header('upload-defer-length')
  if (deferred === undefined) return lengthOf(length)
  if (deferred === '1' && length === undefined) return null
  throw new UploadError(
    'ERR_INVALID_UPLOAD_LENGTH',
    'Upload-Defer-Length must be 1 and stand instead of Upload-Length',
  )
}

function lengthOf(field: string | undefined): number {
  const length = parseUnsignedInteger(field ?? '')
  if (length !== undefined) return length
  throw new UploadError(
    'ERR_INVALID_UPLOAD_LENGTH',
    'Upload-Length must be given once, as a non-negative integer',
  )
}

/** A body of another type is none of ours, and ignoring it would lose bytes. */
function parseCreationContent(header: Header): ContentTerms | undefined {
  if (mediaType(header('content-type')) === CONTENT_TYPE) return parseContentTerms(header)
  const { contentLength } = parseContentTerms(header)
  if ((contentLength ?? 0) === 0 && header('transfer-encoding') === undefined) return undefined
  throw wrongType('of a POST with content')
}

function parseContentTerms(header: Header): ContentTerms {
  const contentLength = parseContentLength(header)
  const field = header('upload-checksum')
  const announced = (header('trailer') ?? '').toLowerCase().split(',').map(trimmed)
  if (field !== undefined) return { contentLength, checksum: parseChecksum(field) }
  if (announced.includes('upload-checksum')) return { contentLength, checksum: 'trailer' }
  return { contentLength }
}

/** @throws `ERR_INVALID_CONTENT_LENGTH`, `ERR_INVALID_CONTENT_TYPE` for a coding that is not undone */
export function parseContentLength(header: Header): number | undefined {
  const coding = header('transfer-encoding')?.trim().toLowerCase() ?? 'chunked'
  if (coding !== 'chunked') {
    throw new UploadError(
      'ERR_INVALID_CONTENT_TYPE',
      `the Transfer-Encoding of a body may be chunked and nothing else, for ${coding} is not undone`,
    )
  }
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

function wrongType(where: string): UploadError {
  return new UploadError(
    'ERR_INVALID_CONTENT_TYPE',
    `the Content-Type ${where} must be ${CONTENT_TYPE}`,
  )
}

export function mediaType(field: string | undefined): string | undefined {
  return field?.split(';', 1)[0]?.trim().toLowerCase()
}

function trimmed(text: string): string {
  return text.trim()
}

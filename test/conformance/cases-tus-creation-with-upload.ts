/**
 * tus 1.0.0, creation-with-upload extension.
 *
 * @see https://tus.io/protocols/resumable-upload#creation-with-upload
 * @module
 */
import { type ConformanceCase, OFFSET_OCTET_STREAM } from './conformance-case.ts'

const post = (
  body: string,
  fields: Record<string, string | null> = {},
): ConformanceCase['request'] => ({
  method: 'POST',
  fields: { 'Upload-Length': '10', 'Content-Type': OFFSET_OCTET_STREAM, ...fields },
  body,
})
const NOTHING = { fields: { Location: null } }

/** The rows. */
export const TUS_CREATION_WITH_UPLOAD_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-cwu-announced',
    why: 'the extension is announced, with the one it depends on',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': { lists: ['creation', 'creation-with-upload'] } },
  },
  {
    id: 'tus-cwu-chunk',
    why: 'the first bytes come with the creation, and the answer says how many were taken',
    request: post('hello'),
    status: 201,
    fields: { 'Upload-Offset': '5', Location: /\/files\/{uuid}$/ },
    offsetAfter: 5,
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'tus-cwu-whole',
    why: 'all bytes may come with the creation',
    request: post('helloworld'),
    status: 201,
    fields: { 'Upload-Offset': '10' },
    offsetAfter: 10,
  },
  {
    id: 'tus-cwu-chunked',
    why: 'also without Content-Length',
    request: { ...post('helloworld'), chunked: true },
    status: 201,
    fields: { 'Upload-Offset': '10' },
    offsetAfter: 10,
  },
  {
    id: 'tus-cwu-no-bytes',
    why: 'no bytes at all are a chunk of no bytes',
    request: post(''),
    status: 201,
    fields: { 'Upload-Offset': '0' },
  },
  {
    id: 'tus-cwu-metadata',
    why: 'what else belongs to a creation still does',
    request: post('hello', { 'Upload-Metadata': 'filename aGVsbG8=' }),
    status: 201,
    offsetAfter: 5,
    after: { 'Upload-Metadata': 'filename aGVsbG8=' },
  },
  {
    id: 'tus-cwu-empty-upload',
    why: 'an upload of length 0 may come with its no bytes',
    request: post('', { 'Upload-Length': '0' }),
    status: 201,
    fields: { 'Upload-Offset': '0' },
  },
  {
    id: 'tus-cwu-too-long',
    why: 'more bytes than the upload is long make no upload',
    request: post('hello world'),
    status: 413,
    ...NOTHING,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
  },
  {
    id: 'tus-cwu-too-long-chunked',
    why: 'nor do they when their number only shows at their end',
    request: { ...post('hello world'), chunked: true },
    status: 413,
    ...NOTHING,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
  },
  {
    id: 'tus-cwu-too-long-for-nothing',
    why: 'an upload of length 0 takes no bytes',
    request: { ...post('h', { 'Upload-Length': '0' }), chunked: true },
    status: 413,
    ...NOTHING,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
  },
  {
    id: 'tus-cwu-chunk-size',
    why: 'the largest body is the largest body here too',
    server: { maxChunkSize: 4 },
    request: post('hello'),
    status: 413,
    ...NOTHING,
    code: 'ERR_CHUNK_SIZE_EXCEEDED',
  },
  {
    id: 'tus-cwu-content-type',
    why: 'a body of another type is refused, for ignoring it would lose it',
    request: post('hello', { 'Content-Type': 'text/plain' }),
    status: 415,
    ...NOTHING,
    code: 'ERR_INVALID_CONTENT_TYPE',
  },
  {
    id: 'tus-cwu-no-content-type',
    why: 'and so is one of no type',
    request: post('hello', { 'Content-Type': null }),
    status: 415,
    ...NOTHING,
    code: 'ERR_INVALID_CONTENT_TYPE',
  },
  {
    id: 'tus-cwu-checksum',
    why: 'its bytes may be checked',
    request: post('hello', { 'Upload-Checksum': 'sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=' }),
    status: 201,
    fields: { 'Upload-Offset': '5' },
    offsetAfter: 5,
  },
  {
    id: 'tus-cwu-checksum-mismatch',
    why: 'wrong bytes make no upload',
    request: post('hellO', { 'Upload-Checksum': 'sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=' }),
    status: 460,
    ...NOTHING,
    code: 'ERR_MISMATCHED_CHECKSUM',
  },
]

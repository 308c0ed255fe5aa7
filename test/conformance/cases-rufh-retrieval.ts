/**
 * draft-ietf-httpbis-resumable-upload: offset retrieval (4.3), cancellation (4.5), limits (4.1.4), and
 * the two protocols beside each other. The number in an id is that of the requirement in
 * docs/protocol.md.
 *
 * @module
 */
import { type ConformanceCase, OFFSET_OCTET_STREAM } from './conformance-case.ts'
import { appendAt, PARTIAL_UPLOAD } from './rufh-upload.ts'

const HALF = { length: 10, sent: 'hello' }
const COMPLETE = { 'Upload-Complete': '?1' }
const INCOMPLETE = { 'Upload-Complete': '?0' }
const LIMITED = { maxSize: 1000, maxChunkSize: 100 }
const LIMITS = 'max-size=1000, max-append-size=100'

const retrievals = ['HEAD', 'GET'].flatMap((method): ConformanceCase[] => [
  {
    id: `rufh-17-${method.toLowerCase()}`,
    why: 'the offset, whether it is complete, the length and the limits; not to be cached',
    rufh: 8,
    server: LIMITED,
    upload: HALF,
    request: { method },
    status: 204,
    fields: {
      ...INCOMPLETE,
      'Upload-Offset': '5',
      'Upload-Length': '10',
      'Upload-Limit': LIMITS,
      'Cache-Control': 'no-store',
    },
  },
  {
    id: `rufh-17-${method.toLowerCase()}-open`,
    why: 'no length where none was told',
    rufh: 8,
    upload: { length: null, sent: 'hello' },
    request: { method },
    status: 204,
    fields: { ...INCOMPLETE, 'Upload-Offset': '5', 'Upload-Length': null },
  },
  {
    id: `rufh-17-${method.toLowerCase()}-complete`,
    why: 'a complete upload is shown as one',
    rufh: 8,
    upload: { length: 5, sent: 'hello', complete: true },
    request: { method },
    status: 204,
    fields: { ...COMPLETE, 'Upload-Offset': '5', 'Upload-Length': '5', 'Upload-Limit': /=/ },
  },
  {
    id: `rufh-17-${method.toLowerCase()}-unknown`,
    why: 'what is not known is 404',
    rufh: 8,
    request: { method, path: '/files/00000000-0000-4000-8000-000000000000' },
    status: 404,
    fields: { 'Upload-Offset': null },
    code: 'ERR_UPLOAD_NOT_FOUND',
  },
])

const STATES: Readonly<Record<string, Pick<ConformanceCase, 'upload' | 'status' | 'headAfter'>>> = {
  unfinished: { upload: HALF, status: 204 },
  complete: { upload: { length: 5, sent: 'hello', complete: true }, status: 204 },
  terminated: { upload: { ...HALF, terminated: true }, status: 410, headAfter: 410 },
}

const uncached = ['HEAD', 'GET'].flatMap((method) =>
  Object.entries(STATES).map(
    ([state, row]): ConformanceCase => ({
      ...row,
      id: `rufh-18-${method.toLowerCase()}-${state}`,
      why: 'what may be another in a moment is kept in no cache',
      rufh: 8,
      request: { method },
      fields: { 'Cache-Control': 'no-store' },
    }),
  ),
)

const cancellations: readonly ConformanceCase[] = [
  {
    id: 'rufh-26-delete',
    why: 'a cancellation ends the upload',
    rufh: 8,
    upload: HALF,
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
  {
    id: 'rufh-26-append-after',
    why: 'then it takes nothing',
    rufh: 8,
    upload: { ...HALF, terminated: true },
    request: { method: 'PATCH', fields: appendAt(5, '?1'), body: 'world' },
    status: 410,
    headAfter: 410,
  },
  {
    id: 'rufh-26-delete-again',
    why: 'and is gone',
    rufh: 8,
    upload: { ...HALF, terminated: true },
    request: { method: 'DELETE' },
    status: 410,
    headAfter: 410,
  },
]

const limits: readonly ConformanceCase[] = [
  {
    id: 'rufh-29-options',
    why: 'OPTIONS tells the limits',
    rufh: null,
    server: LIMITED,
    request: { method: 'OPTIONS' },
    status: 204,
    fields: { 'Upload-Limit': LIMITS, 'Accept-Patch': { lists: [PARTIAL_UPLOAD] } },
  },
  {
    id: 'rufh-29-options-asterisk',
    why: 'also those of all resources',
    rufh: null,
    server: LIMITED,
    request: { method: 'OPTIONS', path: '*' },
    status: 204,
    fields: { 'Upload-Limit': LIMITS },
    notOver: ['fetch'],
  },
  {
    id: 'rufh-29-options-both',
    why: 'and what there is of tus',
    rufh: 8,
    request: { method: 'OPTIONS' },
    status: 204,
    fields: {
      'Upload-Limit': /=/,
      'Tus-Version': '1.0.0',
      'Tus-Extension': { lists: ['creation'] },
    },
  },
  {
    id: 'rufh-29-max-age',
    why: 'uploads that expire have an age',
    rufh: 8,
    server: { expiration: { afterMs: 3_600_000 } },
    upload: HALF,
    request: { method: 'HEAD' },
    status: 204,
    fields: { 'Upload-Limit': /(^|, )max-age=3(600|59\d)$/ },
  },
  {
    id: 'rufh-29-max-age-options',
    why: 'which is told before',
    rufh: 8,
    server: { expiration: { afterMs: 3_600_000 } },
    request: { method: 'OPTIONS' },
    status: 204,
    fields: { 'Upload-Limit': { lists: ['max-age=3600'] } },
  },
  {
    id: 'rufh-29-expires',
    why: 'interop 6 has another name for it',
    rufh: 6,
    server: { expiration: { afterMs: 3_600_000 } },
    request: { method: 'OPTIONS' },
    status: 204,
    fields: { 'Upload-Limit': { lists: ['expires=3600'] } },
  },
  {
    id: 'rufh-30-append-size',
    why: 'a part that is too large is told how large one may be',
    rufh: 8,
    server: LIMITED,
    upload: { length: 500, sent: 'hello' },
    request: { method: 'PATCH', fields: appendAt(5, '?0'), body: 'x'.repeat(101) },
    status: 413,
    fields: { ...INCOMPLETE, 'Upload-Limit': 'max-append-size=100' },
    code: 'ERR_CHUNK_SIZE_EXCEEDED',
  },
  {
    id: 'rufh-30-append-size-chunked',
    why: 'also where that only shows while it streams',
    rufh: 8,
    server: LIMITED,
    upload: { length: 500, sent: 'hello' },
    request: { method: 'PATCH', fields: appendAt(5, '?0'), body: 'x'.repeat(202), chunked: true },
    status: 413,
    fields: { 'Upload-Limit': 'max-append-size=100' },
    code: 'ERR_CHUNK_SIZE_EXCEEDED',
  },
  {
    id: 'rufh-30-size',
    why: 'an upload that is too large is told how large one may be',
    rufh: 8,
    server: LIMITED,
    request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': '1001' }, body: 'x' },
    status: 413,
    fields: { ...INCOMPLETE, 'Upload-Limit': LIMITS, Location: null },
    code: 'ERR_MAX_SIZE_EXCEEDED',
  },
  {
    id: 'rufh-30-size-open',
    why: 'also one that becomes too large',
    rufh: 8,
    server: { maxSize: 8 },
    upload: { length: null, sent: 'hello' },
    request: { method: 'PATCH', fields: appendAt(5, '?0'), body: 'world', chunked: true },
    status: 413,
    fields: { 'Upload-Limit': { lists: ['max-size=8'] } },
    code: 'ERR_MAX_SIZE_EXCEEDED',
  },
]

const neither: readonly ConformanceCase[] = [
  ...['POST', 'PUT', 'PATCH'].map(
    (method): ConformanceCase => ({
      id: `dialect-none-${method.toLowerCase()}`,
      why: 'a request that writes in neither protocol is not processed',
      rufh: null,
      upload: HALF,
      request: { method, body: 'world' },
      status: 412,
      fields: { 'Tus-Version': '1.0.0', Location: null },
      code: 'ERR_UNSUPPORTED_VERSION',
    }),
  ),
  ...['HEAD', 'GET'].map(
    (method): ConformanceCase => ({
      id: `dialect-none-${method.toLowerCase()}`,
      why: 'one that retrieves is answered in both',
      rufh: null,
      upload: HALF,
      request: { method },
      status: 204,
      fields: {
        ...INCOMPLETE,
        'Upload-Offset': '5',
        'Upload-Length': '10',
        'Upload-Limit': /=/,
        'Tus-Resumable': '1.0.0',
      },
    }),
  ),
  {
    id: 'dialect-none-delete',
    why: 'one that cancels is understood in both',
    rufh: null,
    upload: HALF,
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
  {
    id: 'dialect-media-type',
    why: 'the media type of a PATCH says enough',
    rufh: null,
    upload: HALF,
    request: { method: 'PATCH', fields: appendAt(5, '?0'), body: 'wor' },
    status: 204,
    fields: { ...INCOMPLETE, 'Tus-Resumable': null },
    offsetAfter: 8,
  },
  {
    id: 'dialect-tus-first',
    why: 'Tus-Resumable means tus, whatever else is there',
    upload: HALF,
    request: {
      method: 'PATCH',
      fields: { ...appendAt(5, '?0'), 'Content-Type': OFFSET_OCTET_STREAM },
      body: 'wor',
    },
    status: 204,
    fields: { 'Upload-Complete': null },
    offsetAfter: 8,
  },
  {
    id: 'dialect-rufh-to-tus',
    why: 'an upload of the one protocol goes on in the other',
    rufh: 8,
    upload: HALF,
    request: {
      method: 'PATCH',
      fields: {
        'Tus-Resumable': '1.0.0',
        'Upload-Draft-Interop-Version': null,
        'Upload-Offset': '5',
        'Content-Type': OFFSET_OCTET_STREAM,
      },
      body: 'world',
    },
    status: 204,
    fields: { 'Upload-Offset': '10' },
    offsetAfter: 10,
    after: COMPLETE,
  },
  {
    id: 'dialect-tus-to-rufh',
    why: 'and the other way round',
    upload: HALF,
    request: {
      method: 'PATCH',
      fields: { 'Tus-Resumable': null, ...appendAt(5, '?1') },
      body: 'world',
    },
    status: 201,
    fields: COMPLETE,
    offsetAfter: 10,
  },
]

/** The rows. */
export const RUFH_RETRIEVAL_CASES: readonly ConformanceCase[] = [
  ...retrievals,
  ...uncached,
  ...cancellations,
  ...limits,
  ...neither,
]

/**
 * draft-ietf-httpbis-resumable-upload, upload creation (4.2) and the state (4.1). The number in an id
 * is that of the requirement in docs/protocol.md.
 *
 * @module
 */
import { type ConformanceCase, pair } from './conformance-case.ts'
import { PARTIAL_UPLOAD } from './rufh-upload.ts'

const LOCATION = /^http:\/\/{authority}\/files\/{uuid}$/
const LIMITED = { maxSize: 1000, maxChunkSize: 100 }
const LIMITS = 'max-size=1000, max-append-size=100'
const NOTHING = { Location: null }
const COMPLETE = { 'Upload-Complete': '?1' }
const INCOMPLETE = { 'Upload-Complete': '?0' }
const INCONSISTENT = {
  type: 'https://iana.org/assignments/http-problem-types#inconsistent-upload-length',
}

const methods = ['POST', 'PUT'].flatMap((method): ConformanceCase[] => [
  {
    id: `rufh-1-${method.toLowerCase()}-whole`,
    why: `a ${method} with Upload-Complete: ?1 is a whole upload`,
    rufh: 8,
    request: { method, path: '/files/', fields: COMPLETE, body: 'hello' },
    status: 201,
    fields: { ...COMPLETE, 'Upload-Offset': '5' },
    offsetAfter: 5,
    after: { ...COMPLETE, 'Upload-Length': '5' },
  },
  {
    id: `rufh-1-${method.toLowerCase()}-part`,
    why: `a ${method} with Upload-Complete: ?0 is the first part of one`,
    rufh: 8,
    request: { method, path: '/files/', fields: INCOMPLETE, body: 'hello' },
    status: 201,
    fields: { ...INCOMPLETE, 'Upload-Offset': '5', Location: LOCATION },
    offsetAfter: 5,
    after: { ...INCOMPLETE, 'Upload-Length': null },
  },
])

const interim: readonly ConformanceCase[] = [
  {
    id: 'rufh-3-104-location',
    why: 'the first 104 tells where the upload is, and its limits',
    rufh: 8,
    server: LIMITED,
    request: { method: 'POST', fields: COMPLETE, body: 'hello' },
    status: 201,
    informational: [
      { 'Upload-Draft-Interop-Version': '8', Location: LOCATION, 'Upload-Limit': LIMITS },
    ],
    offsetAfter: 5,
  },
  {
    id: 'rufh-4-104-no-limits',
    why: 'without a limit, or one that no structured field can hold, it says so',
    rufh: 8,
    server: { maxChunkSize: Number.MAX_SAFE_INTEGER },
    request: { method: 'POST', fields: INCOMPLETE, body: 'hello' },
    status: 201,
    informational: [{ 'Upload-Limit': 'min-size=0' }],
    offsetAfter: 5,
  },
  ...[null, '2', '9', '99', 'abc', '8.0', '?1', '8, 8'].map(
    (version): ConformanceCase => ({
      id: `rufh-5-no-104-${version ?? 'none'}`,
      why: 'a version that is missing or not known gets no 104, and is served all the same',
      rufh: null,
      request: {
        method: 'POST',
        fields: { ...INCOMPLETE, 'Upload-Draft-Interop-Version': version },
        body: 'hello',
      },
      status: 201,
      fields: { ...INCOMPLETE, Location: LOCATION },
      informational: [],
      offsetAfter: 5,
    }),
  ),
  {
    id: 'rufh-2-off',
    why: '104 can be switched off',
    rufh: 8,
    server: { informational: false },
    request: { method: 'POST', fields: INCOMPLETE, body: 'hello' },
    status: 201,
    informational: [],
    offsetAfter: 5,
  },
]

const empty: readonly ConformanceCase[] = [
  {
    id: 'rufh-9-empty-part',
    why: 'a creation may be empty, to learn the URL first',
    rufh: 8,
    request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': '10' }, body: '' },
    status: 201,
    fields: { ...INCOMPLETE, 'Upload-Offset': '0', Location: LOCATION, 'Upload-Limit': /=/ },
    after: { ...INCOMPLETE, 'Upload-Length': '10' },
  },
  {
    id: 'rufh-9-empty-whole',
    why: 'an upload may be empty',
    rufh: 8,
    request: { method: 'POST', fields: COMPLETE, body: '' },
    status: 201,
    fields: COMPLETE,
    after: { ...COMPLETE, 'Upload-Length': '0' },
  },
  {
    id: 'rufh-9-empty-whole-chunked',
    why: 'also where that only shows at its end',
    rufh: 8,
    request: { method: 'POST', fields: COMPLETE, body: '', chunked: true },
    status: 201,
    fields: COMPLETE,
    after: { ...COMPLETE, 'Upload-Length': '0' },
  },
  {
    id: 'rufh-9-length-0-incomplete',
    why: 'a length of 0 completes nothing',
    rufh: 8,
    request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': '0' }, body: '' },
    status: 201,
    fields: INCOMPLETE,
    after: { ...INCOMPLETE, 'Upload-Length': '0' },
  },
  ...[3, 4, 5, 6].map(
    (rufh): ConformanceCase => ({
      id: `rufh-9-length-0-interop-${rufh}`,
      why: 'but for older clients, which never say that an empty upload is complete',
      rufh,
      request: {
        method: 'POST',
        fields: {
          [rufh === 3 ? 'Upload-Incomplete' : 'Upload-Complete']: rufh === 3 ? '?1' : '?0',
          'Upload-Length': '0',
        },
        body: '',
      },
      status: 201,
      fields: rufh === 3 ? { 'Upload-Incomplete': '?0' } : COMPLETE,
    }),
  ),
  {
    id: 'rufh-10-all-bytes',
    why: 'all bytes are not the end: that is told',
    rufh: 8,
    request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': '5' }, body: 'hello' },
    status: 201,
    fields: INCOMPLETE,
    offsetAfter: 5,
    after: INCOMPLETE,
  },
]

const lengths: readonly ConformanceCase[] = [
  {
    id: 'rufh-11-recorded',
    why: 'a length is recorded',
    rufh: 8,
    request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': '9' }, body: 'hello' },
    status: 201,
    offsetAfter: 5,
    after: { 'Upload-Length': '9' },
  },
  {
    id: 'rufh-11-contradiction',
    why: 'Upload-Length and a content that is all must agree',
    rufh: 8,
    request: { method: 'POST', fields: { ...COMPLETE, 'Upload-Length': '6' }, body: 'hello' },
    status: 400,
    fields: { ...INCOMPLETE, ...NOTHING },
    problem: INCONSISTENT,
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  },
  {
    id: 'rufh-11-contradiction-chunked',
    why: 'also where that only shows at its end; then the upload is there, and told',
    rufh: 8,
    request: {
      method: 'POST',
      fields: { ...COMPLETE, 'Upload-Length': '6' },
      body: 'hello',
      chunked: true,
    },
    status: 400,
    fields: { ...INCOMPLETE, Location: LOCATION },
    problem: INCONSISTENT,
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  },
  {
    id: 'rufh-24-creation-overrun',
    why: 'a part beyond the length makes no upload',
    rufh: 8,
    request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': '4' }, body: 'hello' },
    status: 400,
    fields: NOTHING,
    problem: INCONSISTENT,
  },
  {
    id: 'rufh-24-creation-overrun-chunked',
    why: 'nor does it when that only shows at its end',
    rufh: 8,
    request: {
      method: 'POST',
      fields: { ...INCOMPLETE, 'Upload-Length': '4' },
      body: 'hello',
      chunked: true,
    },
    status: 400,
    fields: NOTHING,
  },
]

const values: readonly ConformanceCase[] = [
  ...['1', 'true', '?2', '?', '?1, ?1', '"?1"', '?1;', '?1 ?1', ''].map(
    (value): ConformanceCase => ({
      id: `rufh-13-complete-${value || 'empty'}`,
      why: 'Upload-Complete that is no boolean is ignored, and then says nothing',
      rufh: 8,
      request: { method: 'POST', fields: { 'Upload-Complete': value }, body: 'hello' },
      status: 400,
      fields: NOTHING,
      code: 'ERR_INVALID_UPLOAD_COMPLETE',
    }),
  ),
  {
    id: 'rufh-13-complete-parameter',
    why: 'a boolean with a parameter is one',
    rufh: 8,
    request: { method: 'POST', fields: { 'Upload-Complete': '?0;x=1' }, body: 'hello' },
    status: 201,
    fields: INCOMPLETE,
    offsetAfter: 5,
  },
  ...['-1', 'abc', '5.0', '5, 5', '+5', '0x5', '1234567890123456', '?1'].map(
    (value): ConformanceCase => ({
      id: `rufh-13-length-${value}`,
      why: 'Upload-Length that is no non-negative integer is ignored',
      rufh: 8,
      request: { method: 'POST', fields: { ...INCOMPLETE, 'Upload-Length': value }, body: 'hello' },
      status: 201,
      offsetAfter: 5,
      after: { 'Upload-Length': null },
    }),
  ),
]

const metadata: readonly ConformanceCase[] = [
  {
    id: 'rufh-6-part-limits',
    why: 'the answer to a first part has the place and the limits, too',
    rufh: 8,
    server: LIMITED,
    request: { method: 'POST', fields: INCOMPLETE, body: 'hello' },
    status: 201,
    fields: { Location: LOCATION, 'Upload-Limit': LIMITS },
    offsetAfter: 5,
  },
  {
    id: 'rufh-33-coded',
    why: 'bytes are counted as they are coded, whatever chunks they come in',
    rufh: 8,
    request: {
      method: 'POST',
      fields: { ...COMPLETE, 'Content-Encoding': 'gzip' },
      body: 'no gzip at all',
      chunked: true,
    },
    status: 201,
    fields: { ...COMPLETE, 'Upload-Offset': '14' },
    offsetAfter: 14,
    after: { 'Upload-Length': '14' },
  },
  {
    id: 'rufh-35-disposition',
    why: 'what the file is stands in the fields of HTTP',
    rufh: 8,
    request: {
      method: 'POST',
      fields: {
        ...INCOMPLETE,
        'Content-Type': 'image/png',
        'Content-Disposition': 'inline; filename="a b.png"',
      },
      body: 'hello',
    },
    status: 201,
    offsetAfter: 5,
  },
  {
    id: 'rufh-35-hostile-filename',
    why: 'a name outside its charset is refused',
    rufh: 8,
    request: {
      method: 'POST',
      fields: { ...INCOMPLETE, 'Content-Disposition': "inline; filename*=UTF-8''a%0ab" },
      body: 'hello',
    },
    status: 400,
    fields: NOTHING,
    code: 'ERR_INVALID_METADATA',
  },
  {
    id: 'rufh-quirk-tus-js-client',
    why: 'tus-js-client says it in Upload-Metadata, and calls the first part partial too',
    rufh: 6,
    request: {
      method: 'POST',
      fields: {
        ...INCOMPLETE,
        'Upload-Length': '10',
        'Upload-Metadata': pair('filename', 'x'),
        'Content-Type': PARTIAL_UPLOAD,
      },
      body: 'hello',
    },
    status: 201,
    fields: { 'Upload-Offset': '5' },
    offsetAfter: 5,
  },
]

/** The rows. */
export const RUFH_CREATION_CASES: readonly ConformanceCase[] = [
  ...methods,
  ...interim,
  ...empty,
  ...lengths,
  ...values,
  ...metadata,
]

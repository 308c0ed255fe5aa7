/** Bad input: a clear answer, nothing lost, never a 5xx. @module */
import { type ConformanceCase, OFFSET_OCTET_STREAM, pair, patchAt } from './conformance-case.ts'
import type { FieldValue } from './exchange.ts'

const HALF = { length: 10, sent: 'hello' }
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

const NO_INTEGERS: Readonly<Record<string, FieldValue>> = {
  missing: null,
  empty: '',
  negative: '-1',
  signed: '+5',
  fractional: '5.0',
  exponent: '5e0',
  hex: '0x5',
  underscored: '1_0',
  word: 'five',
  infinite: 'Infinity',
  spaced: '5 5',
  list: '5,5',
  repeated: ['5', '5'],
  contradicted: ['5', '7'],
}

const lengths = Object.entries(NO_INTEGERS).map(
  ([name, value]): ConformanceCase => ({
    id: `bad-length-${name}`,
    why: 'Upload-Length is a non-negative integer',
    request: { method: 'POST', fields: { 'Upload-Length': value } },
    status: 400,
    fields: { Location: null },
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  }),
)

const offsets = Object.entries(NO_INTEGERS).map(
  ([name, value]): ConformanceCase => ({
    id: `bad-offset-${name}`,
    why: 'Upload-Offset is a non-negative integer',
    upload: HALF,
    request: {
      method: 'PATCH',
      fields: { 'Content-Type': OFFSET_OCTET_STREAM, 'Upload-Offset': value },
      body: 'wor',
    },
    status: 400,
    code: 'ERR_INVALID_OFFSET',
  }),
)

const sizes: readonly ConformanceCase[] = [
  ...['9007199254740992', '99999999999999999999', '9'.repeat(400)].map(
    (length): ConformanceCase => ({
      id: `bad-length-huge-${length.length}`,
      why: 'a length that no number holds is too large, not invalid',
      request: { method: 'POST', fields: { 'Upload-Length': length } },
      status: 413,
      fields: { Location: null },
      code: 'ERR_MAX_SIZE_EXCEEDED',
    }),
  ),
  {
    id: 'bad-length-no-room',
    why: 'a length that does not fit is answered 507 before a byte is sent',
    request: { method: 'POST', fields: { 'Upload-Length': `${Number.MAX_SAFE_INTEGER}` } },
    status: 507,
    fields: { Location: null },
    code: 'ERR_INSUFFICIENT_STORAGE',
  },
  ...['9007199254740992', '99999999999999999999', '9'.repeat(400)].map(
    (offset): ConformanceCase => ({
      id: `bad-offset-huge-${offset.length}`,
      why: 'an offset that no number holds is an integer that does not match',
      upload: HALF,
      request: { method: 'PATCH', fields: patchAt(offset), body: 'wor' },
      status: 409,
      fields: { 'Upload-Offset': '5' },
      code: 'ERR_MISMATCHED_OFFSET',
      detail: /^the upload stands at 5$/,
    }),
  ),
  {
    id: 'bad-body-over-length',
    why: 'more bytes than the length are refused',
    upload: HALF,
    request: { method: 'PATCH', fields: patchAt(5), body: 'worlds' },
    status: 413,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
  },
  {
    id: 'bad-body-over-length-chunked',
    why: 'more bytes than the length are refused without Content-Length too',
    upload: HALF,
    request: { method: 'PATCH', fields: patchAt(5), body: 'w'.repeat(60), chunked: true },
    status: 413,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
  },
  {
    id: 'bad-body-over-chunk-size',
    why: 'a body over the limit is refused by its Content-Length',
    server: { maxChunkSize: 1000 },
    upload: { length: 5000, sent: 'hello' },
    request: { method: 'PATCH', fields: patchAt(5), body: 'x'.repeat(1001) },
    status: 413,
    code: 'ERR_CHUNK_SIZE_EXCEEDED',
    detail: /1000.*chunk ?size|chunk ?size.*1000/is,
  },
  {
    id: 'bad-body-over-chunk-size-chunked',
    why: 'a body over the limit is refused by its bytes',
    server: { maxChunkSize: 1000 },
    upload: { length: 5000, sent: 'hello' },
    request: { method: 'PATCH', fields: patchAt(5), body: 'x'.repeat(2002), chunked: true },
    status: 413,
    code: 'ERR_CHUNK_SIZE_EXCEEDED',
    detail: /1000.*chunk ?size|chunk ?size.*1000/is,
  },
  {
    id: 'bad-body-chunk-size-exact',
    why: 'the limit itself is allowed',
    server: { maxChunkSize: 1000 },
    upload: { length: 5000, sent: 'hello' },
    request: { method: 'PATCH', fields: patchAt(5), body: 'x'.repeat(1000) },
    status: 204,
    offsetAfter: 1005,
  },
]

const FRAMINGS: Readonly<Record<string, Record<string, FieldValue>>> = {
  word: { 'Content-Length': 'three' },
  negative: { 'Content-Length': '-3' },
  signed: { 'Content-Length': '+3' },
  repeated: { 'Content-Length': ['3', '3'] },
  'with-coding': { 'Content-Length': '3', 'Transfer-Encoding': 'chunked' },
}

/** HTTP servers refuse these before us; a Fetch runtime may not. */
const framings = Object.entries(FRAMINGS).map(
  ([name, fields]): ConformanceCase => ({
    id: `bad-content-length-${name}`,
    why: 'Content-Length is one non-negative integer, and alone',
    upload: HALF,
    request: { method: 'PATCH', fields: { ...patchAt(5), ...fields }, body: 'wor' },
    status: 400,
    code: 'ERR_INVALID_CONTENT_LENGTH',
    notOver: ['node:http', 'node:http2'],
  }),
)

const PATHS: Readonly<Record<string, string>> = {
  malformed: '/files/not-an-id',
  unknown: `/files/${UNKNOWN}`,
  'of-the-record': '/files/{id}.meta',
  'of-the-record-unknown': `/files/${UNKNOWN}.meta`,
  longer: '/files/{id}0',
  nul: '/files/{id}%00',
  newline: '/files/{id}%0d%0aSet-Cookie:%20a=b',
  traversing: '/files/../../../../etc/passwd',
  'traversing-encoded': '/files/..%2f..%2f..%2f..%2fetc%2fpasswd',
  'traversing-encoded-twice': '/files/%252e%252e%252fetc%252fpasswd',
  'traversing-backslash': '/files/..%5c..%5cetc%5cpasswd',
  'traversing-to-the-upload': '/files/.%2f{id}',
  'broken-encoding': '/files/%',
  'broken-encoding-hex': '/files/%zz{id}',
  'broken-encoding-utf-8': '/files/%ff%fe',
  hidden: '/files/.tussi',
  overlong: `/files/${'a'.repeat(8000)}`,
  'overlong-uuid': `/files/${`${UNKNOWN}-`.repeat(200)}`,
}

const paths = Object.entries(PATHS).flatMap(([name, path]): ConformanceCase[] => [
  {
    id: `bad-id-${name}-head`,
    why: 'an id that is none names no upload',
    upload: HALF,
    request: { method: 'HEAD', path },
    status: 404,
    fields: { 'Upload-Offset': null, 'Set-Cookie': null },
    code: 'ERR_UPLOAD_NOT_FOUND',
  },
  {
    id: `bad-id-${name}-patch`,
    why: 'an id that is none names no upload',
    upload: HALF,
    request: { method: 'PATCH', path, fields: patchAt(5), body: 'wor' },
    status: 404,
    fields: { 'Upload-Offset': null, 'Set-Cookie': null },
    code: 'ERR_UPLOAD_NOT_FOUND',
  },
])

const create = (metadata: string): ConformanceCase['request'] => ({
  method: 'POST',
  fields: { 'Upload-Length': '10', 'Upload-Metadata': metadata },
})

const accepted = (id: string, why: string, metadata: string, echo: RegExp | string | null) => ({
  id: `bad-metadata-${id}`,
  why,
  request: create(metadata),
  status: 201,
  after: { 'Upload-Metadata': echo, 'Set-Cookie': null },
})

const refused = (id: string, why: string, metadata: string): ConformanceCase => ({
  id: `bad-metadata-${id}`,
  why,
  request: create(metadata),
  status: 400,
  fields: { Location: null },
  code: 'ERR_INVALID_METADATA',
})

const metadata: readonly ConformanceCase[] = [
  {
    ...refused('over-limit', 'a field over the limit is refused', `a ${'YWFh'.repeat(1024)}`),
    detail: /4096/,
  },
  accepted(
    'at-limit',
    'a field at the limit is kept',
    `raw ${'YWFh'.repeat(1023)}`,
    `raw ${'YWFh'.repeat(1023)}`,
  ),
  {
    ...refused('over-own-limit', 'the limit is the configured one', pair('a', 'x'.repeat(50))),
    server: { maxMetadataSize: 50 },
    detail: /50/,
  },
  accepted('not-base64', 'a value that is not base64 is left out', 'a !!!,b Yg==', 'b Yg=='),
  accepted('two-spaces', 'a pair of three parts is left out', 'a YQ== YQ==,b Yg==', 'b Yg=='),
  accepted('bad-key', 'a key outside the set is left out', 'a.b YQ==,k/ YQ==,b Yg==', 'b Yg=='),
  accepted('empty-pairs', 'empty pairs are left out', ',, ,b Yg==,', 'b Yg=='),
  accepted('only-bad', 'where every pair is bad there is no metadata', 'a !!!,,b? Yg==', null),
  accepted(
    'prototype',
    'a key may be any word',
    '__proto__ YQ==,constructor Yg==',
    /^__proto__ YQ==, ?constructor Yg==$/,
  ),
  accepted(
    'injection',
    'a value that decodes to header lines stays a value',
    pair('note', 'x\r\nSet-Cookie: a=b\r\n\r\n'),
    pair('note', 'x\r\nSet-Cookie: a=b\r\n\r\n'),
  ),
  accepted(
    'filename-path',
    "the client's file name is never a path",
    pair('filename', '../../etc/passwd'),
    pair('filename', '../../etc/passwd'),
  ),
  ...Object.entries({
    newline: 'a\r\nSet-Cookie: a=b',
    nul: 'a\0.txt',
    escape: 'a\x1b[2Jb',
    delete: 'a\x7fb',
  }).flatMap(([name, filename]): ConformanceCase[] => [
    refused(`filename-${name}`, 'no control character in filename', pair('filename', filename)),
    {
      ...refused(
        `filename-${name}-utf-8`,
        'no control character in filename, in no charset',
        pair('filename', filename),
      ),
      server: { filenameCharset: 'utf-8' },
    },
  ]),
  refused('filename-ascii', 'filename is printable ASCII by default', pair('filename', 'ä.txt')),
  {
    ...accepted(
      'filename-utf-8',
      'filename may be UTF-8 where it is configured',
      pair('filename', 'ä 文.txt'),
      pair('filename', 'ä 文.txt'),
    ),
    server: { filenameCharset: 'utf-8' },
  },
]

/** The rows. */
export const BAD_INPUT_CASES: readonly ConformanceCase[] = [
  ...lengths,
  ...offsets,
  ...sizes,
  ...framings,
  ...paths,
  ...metadata,
]

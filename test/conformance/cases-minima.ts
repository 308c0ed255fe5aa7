/**
 * What is too small: draft-ietf-httpbis-resumable-upload, limits (4.1.4), and the same in tus. The number in
 * an id is that of the requirement in docs/protocol.md.
 *
 * @module
 */
import { type ConformanceCase, patchAt } from './conformance-case.ts'
import { appendAt } from './rufh-upload.ts'

const SERVER = { maxChunkSize: 100, minSize: 8, minChunkSize: 4 }
const LIMITS = 'min-size=8, max-append-size=100, min-append-size=4'
const LOCATION = /^http:\/\/{authority}\/files\/{uuid}$/
const COMPLETE = { 'Upload-Complete': '?1' }
const INCOMPLETE = { 'Upload-Complete': '?0' }
const HALF = { length: 10, sent: 'hello' }
const OPEN = { length: null, sent: 'hello' }
const ALL_BUT_ONE = { length: 10, sent: 'helloworl' }
const TOO_SMALL = { status: 400, code: 'ERR_MIN_SIZE_NOT_REACHED' } as const
const SHORT = { status: 400, code: 'ERR_CHUNK_SIZE_NOT_REACHED' } as const

type Request = ConformanceCase['request']
const post = (fields: Record<string, string>, body = '', chunked = false): Request => ({
  method: 'POST',
  fields,
  body,
  chunked,
})
const patch = (fields: NonNullable<Request['fields']>, body = '', chunked = false): Request => ({
  method: 'PATCH',
  fields,
  body,
  chunked,
})
/** The same with `Content-Length`, and with an end that only shows when it is reached. */
const bothWays = (row: ConformanceCase): ConformanceCase[] => [
  row,
  { ...row, id: `${row.id}-chunked`, request: { ...row.request, chunked: true } },
]

const told: readonly ConformanceCase[] = [
  {
    id: 'rufh-29-minima-options',
    why: 'OPTIONS tells how small uploads and their parts may be',
    rufh: null,
    server: SERVER,
    request: { method: 'OPTIONS' },
    status: 204,
    fields: { 'Upload-Limit': LIMITS },
  },
  {
    id: 'rufh-29-minima-head',
    why: 'HEAD tells it of one upload',
    rufh: 8,
    server: SERVER,
    upload: HALF,
    request: { method: 'HEAD' },
    status: 204,
    fields: { 'Upload-Limit': LIMITS },
  },
  {
    id: 'rufh-29-minima-created',
    why: 'so do the 104 and the answer of a creation',
    rufh: 8,
    server: SERVER,
    request: post(INCOMPLETE, 'hello'),
    status: 201,
    informational: [{ Location: LOCATION, 'Upload-Limit': LIMITS }],
    fields: { 'Upload-Limit': LIMITS },
    offsetAfter: 5,
  },
]

const sizes: readonly ConformanceCase[] = [
  {
    id: 'rufh-30-min-size',
    why: 'a length that is too small makes no upload',
    rufh: 8,
    server: SERVER,
    request: post({ ...INCOMPLETE, 'Upload-Length': '7' }),
    ...TOO_SMALL,
    fields: { ...INCOMPLETE, 'Upload-Limit': LIMITS, Location: null },
    detail: /at least 8 bytes/,
  },
  {
    id: 'rufh-30-min-size-whole',
    why: 'nor does a whole that is too small',
    rufh: 8,
    server: SERVER,
    request: post(COMPLETE, '1234567'),
    ...TOO_SMALL,
    fields: { ...INCOMPLETE, 'Upload-Limit': LIMITS, Location: null },
    informational: [],
  },
  {
    id: 'rufh-30-min-size-nothing',
    why: 'nor one of no bytes',
    rufh: 8,
    server: SERVER,
    request: post(COMPLETE),
    ...TOO_SMALL,
    fields: { Location: null },
  },
  {
    id: 'rufh-30-min-size-whole-chunked',
    why: 'where that only shows at its end the upload is there, and may go on',
    rufh: 8,
    server: SERVER,
    request: post(COMPLETE, '1234567', true),
    ...TOO_SMALL,
    fields: { ...INCOMPLETE, 'Upload-Limit': LIMITS, Location: LOCATION },
    created: true,
  },
  ...bothWays({
    id: 'rufh-30-min-size-reached',
    why: 'one of just that size is taken',
    rufh: 8,
    server: SERVER,
    request: post(COMPLETE, '12345678'),
    status: 201,
    fields: COMPLETE,
    offsetAfter: 8,
    after: COMPLETE,
  }),
  {
    id: 'rufh-30-min-size-later',
    why: 'a length that comes later is held to it',
    rufh: 8,
    server: SERVER,
    upload: OPEN,
    request: patch({ ...appendAt(5, '?0'), 'Upload-Length': '7' }),
    ...TOO_SMALL,
    fields: {
      ...INCOMPLETE,
      'Upload-Limit': 'min-size=8, max-append-size=100',
      'Upload-Offset': '5',
    },
    after: { ...INCOMPLETE, 'Upload-Length': null },
  },
  ...bothWays({
    id: 'rufh-30-min-size-end',
    why: 'and so is an end; the upload may go on',
    rufh: 8,
    server: SERVER,
    upload: OPEN,
    request: patch(appendAt(5, '?1'), 'wo'),
    ...TOO_SMALL,
    fields: {
      ...INCOMPLETE,
      'Upload-Limit': 'min-size=8, max-append-size=100',
      'Upload-Offset': '5',
    },
    after: { ...INCOMPLETE, 'Upload-Length': null },
  }),
  {
    id: 'rufh-30-min-size-empty-end',
    why: 'also one without bytes',
    rufh: 8,
    server: SERVER,
    upload: OPEN,
    request: patch(appendAt(5, '?1'), '', true),
    ...TOO_SMALL,
    after: INCOMPLETE,
  },
  ...bothWays({
    id: 'rufh-30-min-size-end-reached',
    why: 'an end at that size is taken',
    rufh: 8,
    server: SERVER,
    upload: OPEN,
    request: patch(appendAt(5, '?1'), 'wor'),
    status: 201,
    offsetAfter: 8,
    after: COMPLETE,
  }),
]

const parts: readonly ConformanceCase[] = [
  ...bothWays({
    id: 'rufh-31-part',
    why: 'a part that is too small is told how small one may be, and is not kept',
    rufh: 8,
    server: SERVER,
    upload: HALF,
    request: patch(appendAt(5, '?0'), 'wor'),
    ...SHORT,
    fields: {
      ...INCOMPLETE,
      'Upload-Limit': 'max-append-size=100, min-append-size=4',
      'Upload-Offset': '5',
    },
    detail: /at least 4 bytes/,
  }),
  ...bothWays({
    id: 'rufh-31-part-reached',
    why: 'one of just that size is taken',
    rufh: 8,
    server: SERVER,
    upload: HALF,
    request: patch(appendAt(5, '?0'), 'worl'),
    status: 204,
    offsetAfter: 9,
  }),
  ...bothWays({
    id: 'rufh-31-all-bytes',
    why: 'all bytes are not the end, so that their last are a part as well',
    rufh: 8,
    server: SERVER,
    upload: ALL_BUT_ONE,
    request: patch(appendAt(9, '?0'), 'd'),
    ...SHORT,
  }),
  ...bothWays({
    id: 'rufh-31-end',
    why: 'the last part may be as small as it likes',
    rufh: 8,
    server: SERVER,
    upload: ALL_BUT_ONE,
    request: patch(appendAt(9, '?1'), 'd'),
    status: 201,
    offsetAfter: 10,
    after: COMPLETE,
  }),
  ...bothWays({
    id: 'rufh-31-whole',
    why: 'so may a whole upload',
    rufh: 8,
    server: { minChunkSize: 4 },
    request: post(COMPLETE, 'x'),
    status: 201,
    offsetAfter: 1,
  }),
  ...bothWays({
    id: 'rufh-31-empty-creation',
    why: 'a creation may be empty',
    rufh: 8,
    server: SERVER,
    request: post({ ...INCOMPLETE, 'Upload-Length': '10' }),
    status: 201,
    fields: { Location: LOCATION },
  }),
  ...bothWays({
    id: 'rufh-31-empty-part',
    why: 'a part without bytes may tell a length',
    rufh: 8,
    server: SERVER,
    upload: OPEN,
    request: patch({ ...appendAt(5, '?0'), 'Upload-Length': '10' }),
    status: 204,
    after: { 'Upload-Length': '10' },
  }),
  {
    id: 'rufh-31-creation',
    why: 'a first part that is too small makes no upload',
    rufh: 8,
    server: SERVER,
    request: post({ ...INCOMPLETE, 'Upload-Length': '10' }, 'hel'),
    ...SHORT,
    fields: { ...INCOMPLETE, 'Upload-Limit': LIMITS, Location: null },
    informational: [],
  },
  {
    id: 'rufh-31-creation-chunked',
    why: 'where that only shows at its end the upload is there, without it',
    rufh: 8,
    server: SERVER,
    request: post({ ...INCOMPLETE, 'Upload-Length': '10' }, 'hel', true),
    ...SHORT,
    fields: { ...INCOMPLETE, 'Upload-Limit': LIMITS, Location: LOCATION },
  },
]

const PARTIAL = { 'Upload-Concat': 'partial' }
const BYTES = { 'Content-Type': 'application/offset+octet-stream' }

const tus: readonly ConformanceCase[] = [
  {
    id: 'tus-min-size',
    why: 'a length that is too small makes no upload',
    server: SERVER,
    request: post({ 'Upload-Length': '7' }),
    ...TOO_SMALL,
    fields: { Location: null },
  },
  {
    id: 'tus-min-size-reached',
    why: 'one of just that size does',
    server: SERVER,
    request: post({ 'Upload-Length': '8' }),
    status: 201,
  },
  {
    id: 'tus-min-size-part',
    why: 'what others are made of may be smaller',
    server: SERVER,
    request: post({ ...PARTIAL, 'Upload-Length': '1' }),
    status: 201,
  },
  {
    id: 'tus-min-size-part-later',
    why: 'also where its length comes later',
    server: SERVER,
    upload: { length: null, fields: PARTIAL },
    request: patch({ ...patchAt(0), 'Upload-Length': '1' }, 'x'),
    status: 204,
    offsetAfter: 1,
  },
  ...bothWays({
    id: 'tus-min-size-later',
    why: 'a length that comes later is held to it',
    server: SERVER,
    upload: OPEN,
    request: patch({ ...patchAt(5), 'Upload-Length': '7' }, 'wo'),
    ...TOO_SMALL,
    after: { 'Upload-Defer-Length': '1' },
  }),
  ...bothWays({
    id: 'tus-min-chunk',
    why: 'a PATCH that brings too little is refused, and not kept',
    server: SERVER,
    upload: HALF,
    request: patch(patchAt(5), 'wor'),
    ...SHORT,
    detail: /chunkSize in tus-js-client.*at least that/,
  }),
  ...bothWays({
    id: 'tus-min-chunk-end',
    why: 'one that brings the last bytes may bring few',
    server: SERVER,
    upload: ALL_BUT_ONE,
    request: patch(patchAt(9), 'd'),
    status: 204,
    offsetAfter: 10,
  }),
  {
    id: 'tus-min-chunk-replay',
    why: 'and may be repeated',
    server: SERVER,
    upload: { length: 10, sent: 'helloworld' },
    request: patch(patchAt(9), 'd'),
    status: 204,
    offsetAfter: 10,
  },
  ...bothWays({
    id: 'tus-min-chunk-end-later',
    why: 'also where it tells that they are the last',
    server: SERVER,
    upload: { length: null, sent: 'helloworl' },
    request: patch({ ...patchAt(9), 'Upload-Length': '10' }, 'd'),
    status: 204,
    offsetAfter: 10,
  }),
  ...bothWays({
    id: 'tus-min-chunk-not-the-end',
    why: 'but not fewer than the last bytes are',
    server: SERVER,
    upload: { length: 10, sent: 'hellowor' },
    request: patch(patchAt(8), 'l'),
    ...SHORT,
  }),
  ...bothWays({
    id: 'tus-min-chunk-empty',
    why: 'one without bytes may tell a length',
    server: SERVER,
    upload: OPEN,
    request: patch({ ...patchAt(5), 'Upload-Length': '10' }),
    status: 204,
    after: { 'Upload-Length': '10' },
  }),
  ...bothWays({
    id: 'tus-min-chunk-creation',
    why: 'the first bytes of an upload are held to it as well',
    server: SERVER,
    request: post({ ...BYTES, 'Upload-Length': '10' }, 'hel'),
    ...SHORT,
    fields: { Location: null },
  }),
  ...bothWays({
    id: 'tus-min-chunk-whole',
    why: 'all of a small upload may come with its creation',
    server: { minChunkSize: 4 },
    request: post({ ...BYTES, 'Upload-Length': '1' }, 'x'),
    status: 201,
    fields: { 'Upload-Offset': '1' },
    offsetAfter: 1,
  }),
]

/** The rows. */
export const MINIMA_CASES: readonly ConformanceCase[] = [...told, ...sizes, ...parts, ...tus]

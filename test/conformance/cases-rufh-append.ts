/**
 * draft-ietf-httpbis-resumable-upload, upload append (4.4). The number in an id is that of the
 * requirement in docs/protocol.md.
 *
 * @module
 */
import type { ConformanceCase } from './conformance-case.ts'
import { appendAt } from './rufh-upload.ts'

const HALF = { length: 10, sent: 'hello' }
const OPEN = { length: null, sent: 'hello' }
const DONE = { length: 5, sent: 'hello', complete: true }
const COMPLETE = { 'Upload-Complete': '?1' }
const INCOMPLETE = { 'Upload-Complete': '?0' }
const IANA = 'https://iana.org/assignments/http-problem-types#'
const INCONSISTENT = { type: `${IANA}inconsistent-upload-length` }
const patch = (
  fields: Record<string, string | null>,
  body = '',
  chunked = false,
): ConformanceCase['request'] => ({ method: 'PATCH', fields, body, chunked })

const ends: readonly ConformanceCase[] = [
  {
    id: 'rufh-8-part',
    why: 'a part is acknowledged as one',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?0'), 'wor'),
    status: 204,
    fields: { ...INCOMPLETE, 'Upload-Offset': '8', Location: null },
    offsetAfter: 8,
  },
  {
    id: 'rufh-15-no-location',
    why: 'no 104 of an append says where the upload is',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?1'), 'world'),
    status: 201,
    informational: [],
    offsetAfter: 10,
  },
  {
    id: 'rufh-23-end',
    why: 'the last part is answered as the whole would have been',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?1'), 'world'),
    status: 201,
    fields: { ...COMPLETE, 'Upload-Offset': '10' },
    offsetAfter: 10,
    after: COMPLETE,
  },
  {
    id: 'rufh-23-end-open',
    why: 'the end of an upload without a length is its length',
    rufh: 8,
    upload: OPEN,
    request: patch(appendAt(5, '?1'), 'world', true),
    status: 201,
    fields: COMPLETE,
    offsetAfter: 10,
    after: { ...COMPLETE, 'Upload-Length': '10' },
  },
  {
    id: 'rufh-10-all-bytes-append',
    why: 'all bytes are not the end',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?0'), 'world'),
    status: 204,
    fields: INCOMPLETE,
    offsetAfter: 10,
    after: INCOMPLETE,
  },
  {
    id: 'rufh-10-empty-end',
    why: 'an empty last part ends the upload',
    rufh: 8,
    upload: { length: 5, sent: 'hello' },
    request: patch(appendAt(5, '?1')),
    status: 201,
    fields: COMPLETE,
    offsetAfter: 5,
    after: COMPLETE,
  },
  {
    id: 'rufh-10-empty-part',
    why: 'an empty part changes nothing',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?0')),
    status: 204,
    fields: { ...INCOMPLETE, 'Upload-Offset': '5' },
  },
  {
    id: 'rufh-25-replay',
    why: 'a lost answer is given again',
    rufh: 8,
    upload: DONE,
    request: patch(appendAt(2, '?1'), 'llo'),
    status: 201,
    fields: { ...COMPLETE, 'Upload-Offset': '5' },
  },
  ...(['llo', ''] as const).map(
    (body): ConformanceCase => ({
      id: `rufh-25-replay-chunked-${body || 'empty'}`,
      why: 'also to a request whose length only shows at its end',
      rufh: 8,
      upload: DONE,
      request: patch(appendAt(5 - body.length, '?1'), body, true),
      status: 201,
      fields: { ...COMPLETE, 'Upload-Offset': '5' },
    }),
  ),
  {
    id: 'rufh-25-replay-chunked-longer',
    why: 'and not to one that is another',
    rufh: 8,
    upload: DONE,
    request: patch(appendAt(2, '?1'), 'lloo', true),
    status: 409,
    fields: { ...INCOMPLETE, 'Upload-Offset': '5' },
  },
  {
    id: 'rufh-25-complete-takes-nothing',
    why: 'a complete upload takes no more',
    rufh: 8,
    upload: DONE,
    request: patch(appendAt(5, '?0'), 'more'),
    status: 400,
    fields: INCOMPLETE,
    problem: { type: `${IANA}completed-upload` },
    code: 'ERR_UPLOAD_COMPLETED',
  },
  {
    id: 'rufh-25-complete-other-offset',
    why: 'and says where it stands',
    rufh: 8,
    upload: DONE,
    request: patch(appendAt(2, '?0'), 'x'),
    status: 409,
    fields: { ...INCOMPLETE, 'Upload-Offset': '5' },
  },
]

const offsets = [0, 4, 6, 11].map(
  (offset): ConformanceCase => ({
    id: `rufh-22-offset-${offset}`,
    why: 'another offset is refused with the true one',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(offset, '?0'), 'wor'),
    status: 409,
    fields: { ...INCOMPLETE, 'Upload-Offset': '5' },
    problem: {
      type: `${IANA}mismatching-upload-offset`,
      'expected-offset': 5,
      'provided-offset': offset,
    },
    code: 'ERR_MISMATCHED_OFFSET',
  }),
)

const fields: readonly ConformanceCase[] = [
  ...['-1', 'abc', '5.0', '5, 5', '', '?1'].map(
    (value): ConformanceCase => ({
      id: `rufh-13-offset-${value || 'empty'}`,
      why: 'Upload-Offset that is no non-negative integer is ignored, and then missing',
      rufh: 8,
      upload: HALF,
      request: patch(appendAt(value, '?0'), 'wor'),
      status: 400,
      fields: INCOMPLETE,
      code: 'ERR_INVALID_OFFSET',
    }),
  ),
  {
    id: 'rufh-13-append-complete-missing',
    why: 'an append says whether it is the last',
    rufh: null,
    upload: HALF,
    request: patch({ ...appendAt(5, '?0'), 'Upload-Complete': null }, 'wor'),
    status: 400,
    code: 'ERR_INVALID_UPLOAD_COMPLETE',
  },
  ...['text/plain', 'application/offset+octet-stream', null].map(
    (type): ConformanceCase => ({
      id: `rufh-21-type-${type ?? 'none'}`,
      why: 'an append is of one media type, which a refusal names',
      rufh: 8,
      upload: HALF,
      request: patch({ ...appendAt(5, '?0'), 'Content-Type': type }, 'wor'),
      status: 415,
      fields: { ...INCOMPLETE, 'Accept-Patch': 'application/partial-upload' },
      code: 'ERR_INVALID_CONTENT_TYPE',
    }),
  ),
]

const lengths: readonly ConformanceCase[] = [
  {
    id: 'rufh-11-end-before-length',
    why: 'an end before the length is refused',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?1'), 'wor'),
    status: 400,
    fields: INCOMPLETE,
    problem: INCONSISTENT,
    after: INCOMPLETE,
  },
  {
    id: 'rufh-11-end-before-length-chunked',
    why: 'also where that only shows at its end',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?1'), 'w', true),
    status: 400,
    problem: INCONSISTENT,
    after: INCOMPLETE,
  },
  {
    id: 'rufh-11-other-length',
    why: 'a length is told once',
    rufh: 8,
    upload: HALF,
    request: patch({ ...appendAt(5, '?0'), 'Upload-Length': '11' }, 'wor'),
    status: 400,
    problem: INCONSISTENT,
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'rufh-11-end-and-length',
    why: 'what one request says of the length must agree',
    rufh: 8,
    upload: OPEN,
    request: patch({ ...appendAt(5, '?1'), 'Upload-Length': '11' }, 'world'),
    status: 400,
    problem: INCONSISTENT,
    after: { 'Upload-Length': null },
  },
  {
    id: 'rufh-11-later-length',
    why: 'a length may come later',
    rufh: 8,
    upload: OPEN,
    request: patch({ ...appendAt(5, '?0'), 'Upload-Length': '10' }, 'wor'),
    status: 204,
    offsetAfter: 8,
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'rufh-24-overrun',
    why: 'a part beyond the length is refused and ends the upload',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?0'), 'worlds'),
    status: 400,
    fields: INCOMPLETE,
    problem: INCONSISTENT,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
    headAfter: 410,
  },
  {
    id: 'rufh-24-overrun-chunked',
    why: 'not only by Content-Length',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?0'), 'worlds', true),
    status: 400,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
    headAfter: 410,
  },
  {
    id: 'rufh-24-end-beyond-length',
    why: 'an end beyond the length contradicts it before a byte has come',
    rufh: 8,
    upload: HALF,
    request: patch(appendAt(5, '?1'), 'worlds'),
    status: 400,
    problem: INCONSISTENT,
  },
]

/** Each way in which what is said of the length can contradict itself or what was said before. */
const CONTRADICTIONS: Readonly<Record<string, Pick<ConformanceCase, 'upload' | 'request'>>> = {
  creation: {
    request: { method: 'POST', fields: { ...COMPLETE, 'Upload-Length': '6' }, body: 'hello' },
  },
  request: {
    upload: OPEN,
    request: patch({ ...appendAt(5, '?1'), 'Upload-Length': '11' }, 'world'),
  },
  offset: { upload: OPEN, request: patch({ ...appendAt(5, '?0'), 'Upload-Length': '4' }) },
  length: {
    upload: HALF,
    request: patch({ ...appendAt(5, '?0'), 'Upload-Length': '11' }, 'wor'),
  },
  end: { upload: HALF, request: patch(appendAt(5, '?1'), 'wor') },
}

const inconsistent = Object.entries(CONTRADICTIONS).map(
  ([name, row]): ConformanceCase => ({
    ...row,
    id: `rufh-12-${name}`,
    why: 'a contradiction is told as what it is, in a problem document',
    rufh: 8,
    status: 400,
    fields: { ...INCOMPLETE, 'Content-Type': /^application\/problem\+json/ },
    problem: { ...INCONSISTENT, title: 'Invalid Upload-Length', status: 400 },
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  }),
)

/** The rows. */
export const RUFH_APPEND_CASES: readonly ConformanceCase[] = [
  ...ends,
  ...offsets,
  ...fields,
  ...lengths,
  ...inconsistent,
]

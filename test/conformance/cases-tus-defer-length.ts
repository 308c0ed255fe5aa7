/**
 * tus 1.0.0, creation-defer-length extension.
 *
 * @see https://tus.io/protocols/resumable-upload#creation
 * @module
 */
import { type ConformanceCase, OFFSET_OCTET_STREAM, patchAt } from './conformance-case.ts'

const UNKNOWN = { length: null, sent: 'hello' }
const tell = (length: string, body = 'world'): ConformanceCase['request'] => ({
  method: 'PATCH',
  fields: { ...patchAt(5), 'Upload-Length': length },
  body,
})

/** The rows. */
export const TUS_DEFER_LENGTH_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-defer-announced',
    why: 'the extension is announced',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': { lists: ['creation-defer-length'] } },
  },
  {
    id: 'tus-defer-create',
    why: 'an upload may be created without a length',
    request: { method: 'POST', fields: { 'Upload-Defer-Length': '1' } },
    status: 201,
    after: { 'Upload-Offset': '0', 'Upload-Length': null, 'Upload-Defer-Length': '1' },
  },
  ...['0', '2', '01', 'true', '1, 1'].map(
    (value): ConformanceCase => ({
      id: `tus-defer-value-${value}`,
      why: 'any other value than 1 is refused',
      request: { method: 'POST', fields: { 'Upload-Defer-Length': value } },
      status: 400,
      code: 'ERR_INVALID_UPLOAD_LENGTH',
    }),
  ),
  {
    id: 'tus-defer-and-length',
    why: 'a length that is known is not deferred',
    request: { method: 'POST', fields: { 'Upload-Defer-Length': '1', 'Upload-Length': '5' } },
    status: 400,
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  },
  {
    id: 'tus-defer-head',
    why: 'while the length is not known HEAD says so',
    upload: UNKNOWN,
    request: { method: 'HEAD' },
    status: [200, 204],
    fields: { 'Upload-Defer-Length': '1', 'Upload-Length': null, 'Upload-Offset': '5' },
  },
  {
    id: 'tus-defer-more',
    why: 'bytes may come before the length',
    upload: UNKNOWN,
    request: { method: 'PATCH', fields: patchAt(5), body: 'world' },
    status: 204,
    offsetAfter: 10,
    after: { 'Upload-Defer-Length': '1' },
  },
  {
    id: 'tus-defer-tell',
    why: 'a PATCH sets the length',
    upload: UNKNOWN,
    request: tell('20'),
    status: 204,
    offsetAfter: 10,
    after: { 'Upload-Length': '20', 'Upload-Defer-Length': null },
  },
  {
    id: 'tus-defer-complete',
    why: 'the length that a PATCH sets may be where it ends',
    upload: UNKNOWN,
    request: tell('10'),
    status: 204,
    offsetAfter: 10,
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'tus-defer-complete-chunked',
    why: 'also when the number of its bytes is not known before',
    upload: UNKNOWN,
    request: { ...tell('10'), chunked: true },
    status: 204,
    offsetAfter: 10,
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'tus-defer-tell-only',
    why: 'a PATCH without bytes may set the length, and complete the upload by it',
    upload: UNKNOWN,
    request: tell('5', ''),
    status: 204,
    offsetAfter: 5,
    after: { 'Upload-Length': '5' },
  },
  {
    id: 'tus-defer-unchanged',
    why: 'once set the length is not changed',
    upload: { length: 20, sent: 'hello' },
    request: tell('21'),
    status: 400,
    code: 'ERR_INVALID_UPLOAD_LENGTH',
    after: { 'Upload-Length': '20' },
  },
  {
    id: 'tus-defer-repeated',
    why: 'to tell the same length again changes nothing',
    upload: { length: 20, sent: 'hello' },
    request: tell('20'),
    status: 204,
    offsetAfter: 10,
  },
  {
    id: 'tus-defer-too-short',
    why: 'a length below the bytes that are there is refused',
    upload: UNKNOWN,
    request: tell('4', ''),
    status: 400,
    code: 'ERR_INVALID_UPLOAD_LENGTH',
    after: { 'Upload-Defer-Length': '1' },
  },
  {
    id: 'tus-defer-body-too-long',
    why: 'a body beyond the length that it comes with is refused',
    upload: UNKNOWN,
    request: tell('9'),
    status: 413,
    code: 'ERR_UPLOAD_SIZE_EXCEEDED',
  },
  {
    id: 'tus-defer-invalid',
    why: 'a length is digits',
    upload: UNKNOWN,
    request: tell('1e1'),
    status: 400,
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  },
  {
    id: 'tus-defer-max-size',
    why: 'the largest upload is the largest upload whenever its length is told',
    server: { maxSize: 12 },
    upload: UNKNOWN,
    request: tell('13'),
    status: 413,
    code: 'ERR_MAX_SIZE_EXCEEDED',
  },
  {
    id: 'tus-defer-max-size-bytes',
    why: 'or never',
    server: { maxSize: 8 },
    upload: UNKNOWN,
    request: { method: 'PATCH', fields: patchAt(5), body: 'world' },
    status: 413,
    code: 'ERR_MAX_SIZE_EXCEEDED',
  },
  {
    id: 'tus-defer-with-upload',
    why: 'the first bytes may come with the creation',
    request: {
      method: 'POST',
      fields: { 'Upload-Defer-Length': '1', 'Content-Type': OFFSET_OCTET_STREAM },
      body: 'hello',
    },
    status: 201,
    fields: { 'Upload-Offset': '5' },
    offsetAfter: 5,
    after: { 'Upload-Defer-Length': '1' },
  },
]

/**
 * tus 1.0.0, creation extension: each sentence with MUST or SHOULD for a server has a row.
 *
 * @see https://tus.io/protocols/resumable-upload#creation
 * @module
 */
import { type ConformanceCase, pair } from './conformance-case.ts'

const create = (fields: Record<string, string>): ConformanceCase['request'] => ({
  method: 'POST',
  fields: { 'Upload-Length': '10', ...fields },
})

/** The rows. */
export const TUS_CREATION_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-create',
    why: 'a creation is answered 201 with a Location, and the upload stands at offset 0',
    request: create({}),
    status: 201,
    fields: { Location: /\/files\/{uuid}$/ },
    after: { 'Upload-Offset': '0', 'Upload-Length': '10' },
  },
  {
    id: 'tus-create-location-absolute',
    why: 'Location is absolute, from scheme and Host',
    request: create({}),
    status: 201,
    fields: { Location: /^http:\/\/{authority}\/files\/{uuid}$/ },
  },
  {
    id: 'tus-create-path',
    why: 'an upload is created under the path of the request',
    request: { ...create({}), path: '/deep/below/here' },
    status: 201,
    fields: { Location: /^http:\/\/{authority}\/deep\/below\/here\/{uuid}$/ },
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'tus-create-path-query',
    why: 'a query is no part of the upload',
    request: { ...create({}), path: '/files/?token=a/b' },
    status: 201,
    fields: { Location: /^http:\/\/{authority}\/files\/{uuid}$/ },
    after: { 'Upload-Length': '10' },
  },
  {
    id: 'tus-create-empty',
    why: 'an upload of length 0 is complete when it is created',
    request: create({ 'Upload-Length': '0' }),
    status: 201,
    after: { 'Upload-Offset': '0', 'Upload-Length': '0' },
  },
  {
    id: 'tus-create-no-length',
    why: 'a creation without a length is refused',
    request: { method: 'POST' },
    status: 400,
    fields: { Location: null },
    code: 'ERR_INVALID_UPLOAD_LENGTH',
  },
  {
    id: 'tus-create-defer-other',
    why: 'Upload-Defer-Length has no value but 1',
    request: { method: 'POST', fields: { 'Upload-Defer-Length': '2' } },
    status: 400,
    fields: { Location: null },
  },
  {
    id: 'tus-create-max-size',
    why: 'a length over the maximum is answered 413',
    server: { maxSize: 100 },
    request: create({ 'Upload-Length': '101' }),
    status: 413,
    fields: { Location: null },
    code: 'ERR_MAX_SIZE_EXCEEDED',
    detail: /100/,
  },
  {
    id: 'tus-create-max-size-exact',
    why: 'the maximum itself is allowed',
    server: { maxSize: 100 },
    request: create({ 'Upload-Length': '100' }),
    status: 201,
  },
  {
    id: 'tus-create-metadata',
    why: 'HEAD answers with the metadata as the client gave it',
    request: create({ 'Upload-Metadata': pair('filename', 'world.pdf') }),
    status: 201,
    after: { 'Upload-Metadata': pair('filename', 'world.pdf') },
  },
  {
    id: 'tus-create-metadata-none',
    why: 'HEAD answers without metadata where there is none',
    request: create({}),
    status: 201,
    after: { 'Upload-Metadata': null },
  },
  {
    id: 'tus-create-metadata-key-alone',
    why: 'a value may be empty and its space left out',
    request: create({ 'Upload-Metadata': 'filename d29ybGQ=,is_confidential' }),
    status: 201,
    after: { 'Upload-Metadata': 'filename d29ybGQ=,is_confidential' },
  },
  {
    id: 'tus-create-metadata-order',
    why: 'the pairs come back byte for byte and in order',
    request: create({ 'Upload-Metadata': 'b Yg==,a YQ==,B QkI=,a-1 ,_ Xw==' }),
    status: 201,
    after: { 'Upload-Metadata': /^b Yg==, ?a YQ==, ?B QkI=, ?a-1 ?, ?_ Xw==$/ },
  },
  {
    id: 'tus-create-metadata-binary',
    why: 'a value may be any bytes; one that is not UTF-8 still comes back',
    request: create({ 'Upload-Metadata': 'raw /wD+,a YQ==' }),
    status: 201,
    after: { 'Upload-Metadata': /^raw \/wD\+, ?a YQ==$/ },
  },
]

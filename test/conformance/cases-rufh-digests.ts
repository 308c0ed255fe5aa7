/**
 * RFC 9530 as draft-ietf-httpbis-resumable-upload (up to -11, section 10) uses it. The number in an id is
 * that of the requirement in docs/protocol.md.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { ConformanceCase } from './conformance-case.ts'
import { appendAt } from './rufh-upload.ts'

const HALF = { length: 10, sent: 'hello' }
const COMPLETE = { 'Upload-Complete': '?1' }
const INCOMPLETE = { 'Upload-Complete': '?0' }
const IANA = 'https://iana.org/assignments/http-problem-types#'
const NOTHING = { Location: null }

const base64 = (name: string, text: string): string =>
  createHash(name).update(text).digest('base64')
const sha256 = (text: string): string => `sha-256=:${base64('sha256', text)}:`
const sha512 = (text: string): string => `sha-512=:${base64('sha512', text)}:`

const create = (fields: Record<string, string>, body = 'hello'): ConformanceCase['request'] => ({
  method: 'POST',
  fields: { ...COMPLETE, ...fields },
  body,
})
const append = (digest: string, complete = '?1', body = 'world'): ConformanceCase['request'] => ({
  method: 'PATCH',
  fields: { ...appendAt(5, complete), 'Content-Digest': digest },
  body,
})

const contents: readonly ConformanceCase[] = [
  ...['?0', '?1'].map(
    (complete): ConformanceCase => ({
      id: `rufh-34-content-${complete.slice(1)}`,
      why: 'content with its digest is kept',
      rufh: 8,
      upload: HALF,
      request: append(sha256('world'), complete),
      status: [201, 204],
      offsetAfter: 10,
    }),
  ),
  {
    id: 'rufh-34-content-mismatch',
    why: 'content that has another digest is not kept, and the upload goes on',
    rufh: 8,
    upload: HALF,
    request: append(sha256('wOrld')),
    status: 400,
    code: 'ERR_MISMATCHED_CHECKSUM',
    fields: INCOMPLETE,
    problem: {
      type: `${IANA}digest-mismatched-values`,
      mismatched_digests: [
        {
          algorithm: 'sha-256',
          provided_digest: `:${base64('sha256', 'wOrld')}:`,
          header: 'Content-Digest',
        },
      ],
    },
    after: INCOMPLETE,
  },
  {
    id: 'rufh-34-content-mismatch-chunked',
    why: 'nor is a part of it kept',
    rufh: 8,
    upload: HALF,
    request: { ...append(sha512('other')), chunked: true },
    status: 400,
    code: 'ERR_MISMATCHED_CHECKSUM',
  },
  {
    id: 'rufh-34-content-strongest',
    why: 'of several digests the strongest counts',
    rufh: 8,
    upload: HALF,
    request: append(`${sha256('world')}, ${sha512('other')}`),
    status: 400,
    code: 'ERR_MISMATCHED_CHECKSUM',
  },
  ...Object.entries({
    unknown: 'id-sha-256=:AAAA:',
    deprecated: 'md5=:AAAA:',
    malformed: 'sha-256=:AAAA',
  }).map(
    ([name, digest]): ConformanceCase => ({
      id: `rufh-34-content-${name}`,
      why: 'a digest that cannot be understood is ignored',
      rufh: 8,
      upload: HALF,
      request: append(digest),
      status: 201,
      offsetAfter: 10,
    }),
  ),
  {
    id: 'rufh-34-content-invalid',
    why: 'a digest that no content has is told as what it is',
    rufh: 8,
    upload: HALF,
    request: append('sha-256=:AAAA:'),
    status: 400,
    code: 'ERR_INVALID_CHECKSUM',
    problem: {
      type: `${IANA}digest-invalid-values`,
      invalid_digests: [
        {
          algorithm: 'sha-256',
          header: 'Content-Digest',
          reason: 'the sha-256 in Content-Digest must be a byte sequence of 32 bytes',
        },
      ],
    },
  },
  {
    id: 'rufh-34-content-creation',
    why: 'the content of a creation is checked as well',
    rufh: 8,
    request: create({ 'Content-Digest': sha256('other') }),
    status: 400,
    code: 'ERR_MISMATCHED_CHECKSUM',
  },
  {
    id: 'rufh-34-content-nothing',
    why: 'content of no bytes has a digest too',
    rufh: 8,
    request: create({ 'Content-Digest': sha256('other') }, ''),
    status: 400,
    code: 'ERR_MISMATCHED_CHECKSUM',
    fields: NOTHING,
  },
]

const representations: readonly ConformanceCase[] = [
  {
    id: 'rufh-34-repr',
    why: 'an upload that has the digest it was to have is complete',
    rufh: 8,
    request: create({ 'Repr-Digest': sha256('hello') }),
    status: 201,
    fields: { ...COMPLETE, 'Repr-Digest': null },
    offsetAfter: 5,
    after: COMPLETE,
  },
  {
    id: 'rufh-34-repr-mismatch',
    why: 'one that has not has failed, is not processed, and the client hears of it',
    rufh: 8,
    request: create({ 'Repr-Digest': sha512('other') }),
    status: 400,
    code: 'ERR_REFUSED',
    detail: /sha-512 .* Repr-Digest/,
    fields: { ...COMPLETE, ...NOTHING },
  },
  {
    id: 'rufh-34-repr-mismatch-append',
    why: 'also when it was sent in parts, each time it is asked for',
    rufh: 8,
    upload: { ...HALF, fields: { 'Repr-Digest': sha256('hello') } },
    request: { method: 'PATCH', fields: appendAt(5, '?1'), body: 'world' },
    status: 400,
    code: 'ERR_REFUSED',
    fields: COMPLETE,
    headAfter: 400,
  },
  {
    id: 'rufh-34-repr-append',
    why: 'the digest of an upload that was sent in parts is that of the whole',
    rufh: 8,
    upload: { ...HALF, fields: { 'Repr-Digest': sha256('helloworld') } },
    request: { method: 'PATCH', fields: appendAt(5, '?1'), body: 'world' },
    status: 201,
    offsetAfter: 10,
    after: COMPLETE,
  },
  {
    id: 'rufh-34-repr-nothing',
    why: 'an upload of no bytes has a digest too',
    rufh: 8,
    request: create({ 'Repr-Digest': sha256('other') }, ''),
    status: 400,
    code: 'ERR_REFUSED',
  },
  {
    id: 'rufh-34-want',
    why: 'a client that wants the digest is told it',
    rufh: 8,
    request: create({ 'Want-Repr-Digest': 'sha-512=3, sha-256=10, unixsum=1' }),
    status: 201,
    fields: { ...COMPLETE, 'Repr-Digest': sha256('hello') },
    offsetAfter: 5,
  },
  {
    id: 'rufh-34-want-append',
    why: 'with the answer of the last part',
    rufh: 8,
    upload: { ...HALF, fields: { 'Want-Repr-Digest': 'sha-512=1' } },
    request: { method: 'PATCH', fields: appendAt(5, '?1'), body: 'world' },
    status: 201,
    fields: { 'Repr-Digest': sha512('helloworld') },
    offsetAfter: 10,
  },
  {
    id: 'rufh-34-want-unknown',
    why: 'one that wants what nobody can give gets nothing',
    rufh: 8,
    request: create({ 'Want-Repr-Digest': 'unixsum=10, sha-256=0' }),
    status: 201,
    fields: { 'Repr-Digest': null },
    offsetAfter: 5,
  },
]

/** The rows. */
export const RUFH_DIGEST_CASES: readonly ConformanceCase[] = [...contents, ...representations]

/**
 * tus 1.0.0, checksum and checksum-trailer extensions.
 *
 * @see https://tus.io/protocols/resumable-upload#checksum
 * @module
 */
import { createHash } from 'node:crypto'
import { type ConformanceCase, patchAt } from './conformance-case.ts'

const HALF = { length: 10, sent: 'hello' }
const WORLD: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['sha1', 'sha256', 'sha512', 'md5'].map((name) => [
      name,
      createHash(name).update('world').digest('base64'),
    ]),
  ),
  // 0x3a771143, as `crc32` of coreutils-like tools prints it.
  crc32: Buffer.from('3a771143', 'hex').toString('base64'),
}
const BY_SHA1 = `sha1 ${WORLD.sha1}`
const patch = (checksum: string, body = 'world'): ConformanceCase['request'] => ({
  method: 'PATCH',
  fields: { ...patchAt(5), 'Upload-Checksum': checksum },
  body,
})
const trailing = (checksum: string, body = 'world'): ConformanceCase['request'] => ({
  method: 'PATCH',
  fields: { ...patchAt(5), Trailer: 'Upload-Checksum' },
  body,
  trailers: { 'Upload-Checksum': checksum },
})

/** The rows. */
export const TUS_CHECKSUM_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-checksum-announced',
    why: 'the extension is announced with its algorithms, sha1 among them',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: {
      'Tus-Extension': { lists: ['checksum'] },
      'Tus-Checksum-Algorithm': { lists: Object.keys(WORLD) },
    },
  },
  {
    id: 'tus-checksum-names',
    why: 'names of algorithms are ASCII without upper-case letters',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Checksum-Algorithm': /^[a-z0-9,-]+$/ },
  },
  ...Object.entries(WORLD).flatMap(([name, digest]): ConformanceCase[] => [
    {
      id: `tus-checksum-${name}`,
      why: 'a chunk that matches is kept',
      upload: HALF,
      request: patch(`${name} ${digest}`),
      status: 204,
      offsetAfter: 10,
    },
    {
      id: `tus-checksum-${name}-mismatch`,
      why: 'a chunk that does not match is discarded, and the offset stays',
      upload: HALF,
      request: patch(`${name} ${digest}`, 'wOrld'),
      status: 460,
      code: 'ERR_MISMATCHED_CHECKSUM',
    },
  ]),
  {
    id: 'tus-checksum-chunked-mismatch',
    why: 'nor is a part of it kept',
    upload: HALF,
    request: { ...patch(BY_SHA1, 'worLd'), chunked: true },
    status: 460,
    code: 'ERR_MISMATCHED_CHECKSUM',
  },
  {
    id: 'tus-checksum-nothing',
    why: 'no bytes have a checksum too',
    upload: HALF,
    request: patch('sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=', ''),
    status: 204,
  },
  {
    id: 'tus-checksum-unsupported',
    why: 'an algorithm that is not supported is refused, and nothing is kept',
    upload: HALF,
    request: patch('sha3 abcd'),
    status: 400,
    code: 'ERR_UNSUPPORTED_CHECKSUM',
  },
  ...[
    'sha1',
    BY_SHA1.slice(0, -4),
    `SHA1 ${WORLD.sha1}`,
    `sha1  ${WORLD.sha1}`,
    `sha256 ${WORLD.sha1}`,
    'sha1 !!!!',
    `${BY_SHA1}, ${BY_SHA1}`,
  ].map(
    (field, at): ConformanceCase => ({
      id: `tus-checksum-invalid-${at}`,
      why: 'an algorithm and its digest, or nothing is kept',
      upload: HALF,
      request: patch(field),
      status: 400,
      code: 'ERR_INVALID_CHECKSUM',
    }),
  ),
  {
    id: 'tus-checksum-trailer-announced',
    why: 'trailers are announced where they can be seen',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': { lists: ['checksum-trailer'] } },
    notOver: ['fetch'],
  },
  {
    id: 'tus-checksum-trailer',
    why: 'the checksum may come after the body',
    upload: HALF,
    request: trailing(BY_SHA1),
    status: 204,
    offsetAfter: 10,
    notOver: ['fetch'],
  },
  {
    id: 'tus-checksum-trailer-mismatch',
    why: 'and counts as much there',
    upload: HALF,
    request: trailing(BY_SHA1, 'worlD'),
    status: 460,
    code: 'ERR_MISMATCHED_CHECKSUM',
    notOver: ['fetch'],
  },
  {
    id: 'tus-checksum-trailer-unsupported',
    why: 'what cannot be checked is not kept',
    upload: HALF,
    request: trailing('sha3 abcd'),
    status: 400,
    code: 'ERR_UNSUPPORTED_CHECKSUM',
    notOver: ['fetch'],
  },
  {
    id: 'tus-checksum-trailer-missing',
    why: 'a checksum that was announced and did not come vouches for nothing',
    upload: HALF,
    request: {
      method: 'PATCH',
      fields: { ...patchAt(5), Trailer: 'Upload-Checksum' },
      body: 'world',
      chunked: true,
    },
    status: 400,
    code: 'ERR_INVALID_CHECKSUM',
    notOver: ['fetch'],
  },
]

/** Where a runtime shows no trailers. */
export const NO_TRAILER_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-checksum-trailer-unseen',
    why: 'what cannot be checked is not kept',
    upload: HALF,
    request: {
      method: 'PATCH',
      fields: { ...patchAt(5), Trailer: 'Upload-Checksum' },
      body: 'world',
      chunked: true,
    },
    status: 400,
    code: 'ERR_UNSUPPORTED_CHECKSUM',
    notOver: ['node:http', 'node:http2'],
  },
  {
    id: 'tus-checksum-trailer-unannounced',
    why: 'nothing is announced that cannot be done',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': /^(?!.*checksum-trailer)/ },
    notOver: ['node:http', 'node:http2'],
  },
]

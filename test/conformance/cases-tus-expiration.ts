/**
 * tus 1.0.0, expiration extension.
 *
 * @see https://tus.io/protocols/resumable-upload#expiration
 * @module
 */
import { type ConformanceCase, patchAt } from './conformance-case.ts'

/** The rows need `server` with times that do not pass, or have passed, while they run. */
const DAY = { expiration: { afterMs: 86_400_000 } }
const AT_ONCE = { expiration: { afterMs: 1, sliding: false } }
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
const HALF = { length: 10, sent: 'hello' }

/** The rows. */
export const TUS_EXPIRATION_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-expiration-announced',
    why: 'the extension is announced where uploads expire',
    server: DAY,
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': { lists: ['expiration'] } },
  },
  {
    id: 'tus-expiration-not-announced',
    why: 'and not where they do not',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': /^(?!.*expiration)/ },
  },
  {
    id: 'tus-expiration-create',
    why: 'an expiration known at creation is told then',
    server: DAY,
    request: { method: 'POST', fields: { 'Upload-Length': '10' } },
    status: 201,
    fields: { 'Upload-Expires': DATE },
    after: { 'Upload-Expires': DATE },
  },
  {
    id: 'tus-expiration-patch',
    why: 'the answer to every PATCH tells when the upload expires',
    server: DAY,
    upload: HALF,
    request: { method: 'PATCH', fields: patchAt(5), body: 'wor' },
    status: 204,
    fields: { 'Upload-Expires': DATE },
    offsetAfter: 8,
  },
  {
    id: 'tus-expiration-complete',
    why: 'a finished upload does not expire',
    server: DAY,
    upload: HALF,
    request: { method: 'PATCH', fields: patchAt(5), body: 'world' },
    status: 204,
    fields: { 'Upload-Expires': null },
    offsetAfter: 10,
    after: { 'Upload-Expires': null },
  },
  {
    id: 'tus-expiration-none',
    why: 'where nothing expires nothing is told',
    upload: HALF,
    request: { method: 'PATCH', fields: patchAt(5), body: 'wor' },
    status: 204,
    fields: { 'Upload-Expires': null },
    offsetAfter: 8,
    after: { 'Upload-Expires': null },
  },
  {
    id: 'tus-expired-patch',
    why: 'an upload that has expired cannot be resumed',
    server: AT_ONCE,
    upload: { length: 10, expired: true },
    request: { method: 'PATCH', fields: patchAt(0), body: 'hello' },
    status: 410,
    code: 'ERR_UPLOAD_GONE',
    headAfter: 410,
  },
  {
    id: 'tus-expired-head',
    why: 'nor looked at',
    server: AT_ONCE,
    upload: { length: 10, expired: true },
    request: { method: 'HEAD' },
    status: 410,
    code: 'ERR_UPLOAD_GONE',
    headAfter: 410,
  },
  {
    id: 'tus-expired-delete',
    why: 'but its space can be given back',
    server: AT_ONCE,
    upload: { length: 10, expired: true },
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
]

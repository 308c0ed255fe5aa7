/**
 * tus 1.0.0, termination extension.
 *
 * @see https://tus.io/protocols/resumable-upload#termination
 * @module
 */
import { type ConformanceCase, patchAt } from './conformance-case.ts'

const DELETED = { length: 10, sent: 'hello', terminated: true }
const GONE = { status: 410, code: 'ERR_UPLOAD_GONE', headAfter: 410 } as const

/** The rows. */
export const TUS_TERMINATION_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-termination-announced',
    why: 'the extension is announced',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': { lists: ['termination'] } },
  },
  {
    id: 'tus-delete',
    why: 'a DELETE of an upload is answered 204, and afterwards it is gone',
    upload: { length: 10, sent: 'hello' },
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
  {
    id: 'tus-delete-empty',
    why: 'an upload without bytes is an upload',
    upload: { length: 10 },
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
  {
    id: 'tus-delete-completed',
    why: 'completed uploads can be terminated as well',
    upload: { length: 5, sent: 'hello' },
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
  {
    id: 'tus-delete-override',
    why: 'also for clients that can only POST',
    upload: { length: 10 },
    request: { method: 'POST', fields: { 'X-HTTP-Method-Override': 'DELETE' } },
    status: 204,
    headAfter: 410,
  },
  {
    id: 'tus-delete-again',
    why: 'a terminated upload is gone',
    upload: DELETED,
    request: { method: 'DELETE' },
    ...GONE,
  },
  {
    id: 'tus-delete-patch',
    why: 'a terminated upload takes no bytes',
    upload: DELETED,
    request: { method: 'PATCH', fields: patchAt(5), body: 'world' },
    ...GONE,
  },
  {
    id: 'tus-delete-unknown',
    why: 'what never was cannot be terminated',
    request: { method: 'DELETE', path: '/files/00000000-0000-4000-8000-000000000000' },
    status: 404,
    code: 'ERR_UPLOAD_NOT_FOUND',
  },
  {
    id: 'tus-delete-version',
    why: 'a DELETE of another version is refused and removes nothing',
    upload: { length: 10, sent: 'hello' },
    request: { method: 'DELETE', fields: { 'Tus-Resumable': '0.2.2' } },
    status: 412,
    code: 'ERR_UNSUPPORTED_VERSION',
  },
]

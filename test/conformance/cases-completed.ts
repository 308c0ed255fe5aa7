/** A finished upload stays visible, so that a lost last response costs nobody the file. @module */
import { type ConformanceCase, patchAt } from './conformance-case.ts'

const DONE = { length: 10, sent: 'helloworld' }

/** The rows. */
export const COMPLETED_CASES: readonly ConformanceCase[] = [
  {
    id: 'completed-repeated-patch',
    why: 'a PATCH whose response was lost gets it when it is repeated',
    upload: { length: 5, sent: 'hello' },
    request: { method: 'PATCH', fields: patchAt(0), body: 'hello' },
    status: 204,
    fields: { 'Upload-Offset': '5' },
  },
  {
    id: 'completed-repeated-tail',
    why: 'the last of several is known by where it ends',
    upload: DONE,
    request: { method: 'PATCH', fields: patchAt(5), body: 'world' },
    status: 204,
    fields: { 'Upload-Offset': '10' },
  },
  {
    id: 'completed-repeated-chunked',
    why: 'without Content-Length it may be, or the offset tells that nothing is left to send',
    upload: DONE,
    request: { method: 'PATCH', fields: patchAt(5), body: 'world', chunked: true },
    status: [204, 409],
    fields: { 'Upload-Offset': '10' },
  },
  {
    id: 'completed-patch-nothing',
    why: 'no bytes at the end of a finished upload are none too many',
    upload: DONE,
    request: { method: 'PATCH', fields: patchAt(10), body: '' },
    status: 204,
    fields: { 'Upload-Offset': '10' },
  },
  {
    id: 'completed-patch-elsewhere',
    why: 'bytes that do not end where the upload ends are no repetition',
    upload: DONE,
    request: { method: 'PATCH', fields: patchAt(3), body: 'lo' },
    status: 409,
    fields: { 'Upload-Offset': '10' },
    code: 'ERR_MISMATCHED_OFFSET',
  },
  {
    id: 'completed-metadata',
    why: 'metadata comes back after completion as before',
    upload: { ...DONE, metadata: 'filename d29ybGQ=' },
    request: { method: 'HEAD' },
    status: 200,
    fields: { 'Upload-Offset': '10', 'Upload-Metadata': 'filename d29ybGQ=' },
  },
]

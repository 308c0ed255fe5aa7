/**
 * tus 1.0.0, concatenation extension: what one request shows. `concatenation.test.ts` has the rest.
 *
 * @see https://tus.io/protocols/resumable-upload#concatenation
 * @module
 */
import { type ConformanceCase, patchAt } from './conformance-case.ts'

const PART = { length: 5, sent: 'hello', fields: { 'Upload-Concat': 'partial' } }
const join = (value: string, fields: Record<string, string> = {}): ConformanceCase['request'] => ({
  method: 'POST',
  path: '/files/',
  fields: { 'Upload-Concat': value, ...fields },
})
const INVALID = { status: 400, fields: { Location: null }, code: 'ERR_INVALID_CONCAT' } as const
const UNKNOWN = '/files/00000000-0000-4000-8000-000000000000'

/** The rows. */
export const TUS_CONCATENATION_CASES: readonly ConformanceCase[] = [
  {
    id: 'tus-concat-announced',
    why: 'the extension is announced, and that parts may be unfinished',
    request: { method: 'OPTIONS' },
    status: [200, 204],
    fields: { 'Tus-Extension': { lists: ['concatenation', 'concatenation-unfinished'] } },
  },
  {
    id: 'tus-concat-partial',
    why: 'a partial upload is created like another, and HEAD says what it is',
    request: { method: 'POST', fields: { 'Upload-Concat': 'partial', 'Upload-Length': '5' } },
    status: 201,
    after: { 'Upload-Concat': 'partial', 'Upload-Offset': '0', 'Upload-Length': '5' },
  },
  {
    id: 'tus-concat-partial-head',
    why: 'HEAD of a partial upload has its offset, complete as well',
    upload: PART,
    request: { method: 'HEAD' },
    status: [200, 204],
    fields: { 'Upload-Concat': 'partial', 'Upload-Offset': '5', 'Upload-Length': '5' },
  },
  {
    id: 'tus-concat-final',
    why: 'the parts make an upload, whose length is the sum of theirs',
    upload: PART,
    request: join('final;/files/{id} /files/{id}'),
    status: 201,
    fields: { Location: /\/files\/{uuid}$/ },
    offsetAfter: 10,
    created: true,
    after: {
      'Upload-Length': '10',
      'Upload-Concat': /^final;\/files\/{uuid} \/files\/{uuid}$/,
    },
  },
  {
    id: 'tus-concat-final-absolute',
    why: 'URLs may be absolute',
    upload: PART,
    request: join('final;http://{authority}/files/{id}'),
    status: 201,
    offsetAfter: 5,
    created: true,
  },
  {
    id: 'tus-concat-final-prefix',
    why: 'a proxy may have given this server another prefix',
    upload: PART,
    request: join('final;http://{authority}/behind/a/proxy/{id}'),
    status: 201,
    offsetAfter: 5,
    created: true,
  },
  {
    id: 'tus-concat-final-metadata',
    why: 'metadata comes with the final upload, not with its parts',
    upload: { ...PART, metadata: 'filename cGFydA==,part eA==' },
    request: join('final;/files/{id}', { 'Upload-Metadata': 'filename d2hvbGU=' }),
    status: 201,
    offsetAfter: 5,
    created: true,
    after: { 'Upload-Metadata': 'filename d2hvbGU=' },
  },
  {
    id: 'tus-concat-final-length',
    why: 'a final upload has the length of its parts and no other',
    upload: PART,
    request: join('final;/files/{id}', { 'Upload-Length': '5' }),
    ...INVALID,
    offsetAfter: 5,
  },
  {
    id: 'tus-concat-final-max-size',
    why: 'the largest upload is the largest upload however it is made',
    server: { maxSize: 9 },
    upload: PART,
    request: join('final;/files/{id} /files/{id}'),
    status: 413,
    code: 'ERR_MAX_SIZE_EXCEEDED',
    offsetAfter: 5,
  },
  {
    id: 'tus-concat-not-partial',
    why: 'only partial uploads are parts',
    upload: { length: 10, sent: 'hello' },
    request: join('final;/files/{id}'),
    ...INVALID,
  },
  {
    id: 'tus-concat-terminated',
    why: 'what is gone is no part',
    upload: { ...PART, terminated: true },
    request: join('final;/files/{id}'),
    ...INVALID,
    headAfter: 410,
  },
  ...[
    `final;${UNKNOWN}`,
    'final;http://elsewhere.example/files/{id}',
    'final;//elsewhere.example/files/{id}',
    'final;/files/../../etc/passwd',
    'final;/files/{id}.meta',
    'final;{id}/',
  ].map(
    (field, at): ConformanceCase => ({
      id: `tus-concat-url-${at}`,
      why: 'a part is an upload of this server',
      upload: { length: 5, sent: 'hel', fields: { 'Upload-Concat': 'partial' } },
      request: join(at === 5 ? `${field.slice(0, -1)}x/` : field),
      ...INVALID,
      offsetAfter: 3,
    }),
  ),
  ...['final', 'final;', 'Final;/files/{id}', 'partial;', 'part', ''].map(
    (field, at): ConformanceCase => ({
      id: `tus-concat-invalid-${at}`,
      why: 'partial, or final with URLs',
      request: join(field, { 'Upload-Length': '5' }),
      ...INVALID,
    }),
  ),
  {
    id: 'tus-concat-partial-repeated-patch',
    why: 'a last PATCH of a part may be repeated',
    upload: PART,
    request: { method: 'PATCH', fields: patchAt(0), body: 'hello' },
    status: 204,
    fields: { 'Upload-Offset': '5' },
    offsetAfter: 5,
  },
  {
    id: 'tus-concat-partial-delete',
    why: 'a part can be terminated',
    upload: PART,
    request: { method: 'DELETE' },
    status: 204,
    headAfter: 410,
  },
]

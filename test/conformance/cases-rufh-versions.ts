/** What differs between the interop versions of the IETF protocol. @module */
import type { ConformanceCase } from './conformance-case.ts'
import { appendAt } from './rufh-upload.ts'

const HALF = { length: 10, sent: 'hello' }
const VERSIONS = [3, 4, 5, 6, 7, 8, null] as const

/** The field of completeness as a version has it. */
function says(rufh: number | null, complete: boolean): Record<string, string> {
  if (rufh === 3) return { 'Upload-Incomplete': complete ? '?0' : '?1' }
  return { 'Upload-Complete': complete ? '?1' : '?0' }
}

/** The fields of an append as a version has them. */
function append(rufh: number | null, complete: boolean): Record<string, string | null> {
  const typed = rufh === null || rufh >= 6
  const { 'Content-Type': type = '', 'Upload-Offset': offset = '' } = appendAt(5, '?0')
  return {
    'Upload-Offset': offset,
    ...(typed && { 'Content-Type': type }),
    ...says(rufh, complete),
  }
}

const each = VERSIONS.flatMap((rufh): ConformanceCase[] => {
  const name = rufh ?? 'none'
  const limits = rufh === null || rufh >= 6
  const old = rufh !== null && rufh <= 6
  return [
    {
      id: `rufh-interop-${name}-create`,
      why: 'a creation',
      rufh,
      request: { method: 'POST', fields: says(rufh, false), body: 'hello' },
      status: 201,
      fields: {
        ...says(rufh, false),
        'Upload-Offset': '5',
        Location: /{uuid}$/,
        'Upload-Limit': limits ? /=/ : null,
      },
      informational:
        rufh === null
          ? []
          : [
              {
                Location: /{uuid}$/,
                'Upload-Draft-Interop-Version': `${rufh}`,
                'Upload-Limit': limits ? /=/ : null,
                'Upload-Offset': null,
              },
            ],
      offsetAfter: 5,
      after: says(rufh, false),
    },
    {
      id: `rufh-interop-${name}-whole`,
      why: 'a creation that is all',
      rufh,
      request: { method: 'POST', fields: says(rufh, true), body: 'hello' },
      status: 201,
      fields: says(rufh, true),
      offsetAfter: 5,
      after: says(rufh, true),
    },
    {
      id: `rufh-interop-${name}-append`,
      why: 'an append that is not the last',
      rufh,
      upload: HALF,
      request: { method: 'PATCH', fields: append(rufh, false), body: 'wor' },
      status: old ? 201 : 204,
      fields: { ...says(rufh, false), 'Upload-Offset': '8' },
      offsetAfter: 8,
    },
    {
      id: `rufh-interop-${name}-end`,
      why: 'the last append',
      rufh,
      upload: HALF,
      request: { method: 'PATCH', fields: append(rufh, true), body: 'world' },
      status: 201,
      fields: { ...says(rufh, true), 'Upload-Offset': '10' },
      offsetAfter: 10,
      after: says(rufh, true),
    },
    {
      id: `rufh-interop-${name}-offset`,
      why: 'an append at another offset',
      rufh,
      upload: HALF,
      request: {
        method: 'PATCH',
        fields: { ...append(rufh, false), 'Upload-Offset': '4' },
        body: 'wor',
      },
      status: 409,
      fields: { ...says(rufh, false), 'Upload-Offset': '5' },
    },
    {
      id: `rufh-interop-${name}-gone`,
      why: 'an upload that was cancelled',
      rufh,
      upload: { ...HALF, terminated: true },
      request: { method: 'HEAD' },
      status: old ? 404 : 410,
      headAfter: old ? 404 : 410,
    },
    {
      id: `rufh-interop-${name}-strict-length`,
      why: 'its length, since draft -05',
      rufh,
      upload: HALF,
      request: { method: 'HEAD', fields: { 'Upload-Length': '10' } },
      status: rufh === 6 ? 400 : 204,
    },
    ...['HEAD', 'DELETE'].map(
      (method): ConformanceCase => ({
        id: `rufh-interop-${name}-strict-${method.toLowerCase()}`,
        why: 'fields of the state where there should be none',
        rufh,
        upload: HALF,
        request: { method, fields: { 'Upload-Offset': '5', 'Upload-Complete': '?0' } },
        status: old ? 400 : 204,
        ...(method === 'DELETE' && !old && { headAfter: 410 }),
      }),
    ),
  ]
})

/** The rows. */
export const RUFH_VERSION_CASES: readonly ConformanceCase[] = each

/** The table over every adapter and storage. @module */
import { expect, it } from 'vitest'
import { BAD_INPUT_CASES } from './cases-bad-input.ts'
import { COMPLETED_CASES } from './cases-completed.ts'
import { FORWARDED_CASES } from './cases-forwarded.ts'
import { CORS_CASES, METHOD_CASES } from './cases-methods.ts'
import { MINIMA_CASES } from './cases-minima.ts'
import { RUFH_APPEND_CASES } from './cases-rufh-append.ts'
import { RUFH_CREATION_CASES } from './cases-rufh-creation.ts'
import { RUFH_DIGEST_CASES } from './cases-rufh-digests.ts'
import { RUFH_RETRIEVAL_CASES } from './cases-rufh-retrieval.ts'
import { RUFH_VERSION_CASES } from './cases-rufh-versions.ts'
import { NO_TRAILER_CASES, TUS_CHECKSUM_CASES } from './cases-tus-checksum.ts'
import { TUS_CONCATENATION_CASES } from './cases-tus-concatenation.ts'
import { TUS_CORE_CASES } from './cases-tus-core.ts'
import { TUS_CREATION_CASES } from './cases-tus-creation.ts'
import { TUS_CREATION_WITH_UPLOAD_CASES } from './cases-tus-creation-with-upload.ts'
import { TUS_DEFER_LENGTH_CASES } from './cases-tus-defer-length.ts'
import { TUS_EXPIRATION_CASES } from './cases-tus-expiration.ts'
import { TUS_TERMINATION_CASES } from './cases-tus-termination.ts'
import { STORAGES, TRANSPORTS } from './servers.ts'
import { describeConformance } from './table.ts'

const ROWS = [
  ...TUS_CORE_CASES,
  ...TUS_CREATION_CASES,
  ...TUS_CREATION_WITH_UPLOAD_CASES,
  ...TUS_DEFER_LENGTH_CASES,
  ...TUS_EXPIRATION_CASES,
  ...TUS_CHECKSUM_CASES,
  ...NO_TRAILER_CASES,
  ...TUS_TERMINATION_CASES,
  ...TUS_CONCATENATION_CASES,
  ...RUFH_CREATION_CASES,
  ...RUFH_APPEND_CASES,
  ...RUFH_DIGEST_CASES,
  ...RUFH_RETRIEVAL_CASES,
  ...RUFH_VERSION_CASES,
  ...MINIMA_CASES,
  ...COMPLETED_CASES,
  ...METHOD_CASES,
  ...CORS_CASES,
  ...FORWARDED_CASES,
  ...BAD_INPUT_CASES,
]

it('names every row once', () => {
  const ids = ROWS.map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)])
})

for (const [storage, open] of Object.entries(STORAGES)) {
  for (const [transport, over] of Object.entries(TRANSPORTS)) {
    const [kind = transport] = transport.split(',', 1)
    describeConformance(`${transport}, ${storage}`, ROWS, over(open), { transport: kind })
  }
}

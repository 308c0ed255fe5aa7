/** The table over every adapter and storage. @module */
import { expect, it } from 'vitest'
import { BAD_INPUT_CASES } from './cases-bad-input.ts'
import { COMPLETED_CASES } from './cases-completed.ts'
import { FORWARDED_CASES } from './cases-forwarded.ts'
import { CORS_CASES, METHOD_CASES } from './cases-methods.ts'
import { TUS_CORE_CASES } from './cases-tus-core.ts'
import { TUS_CREATION_CASES } from './cases-tus-creation.ts'
import { STORAGES, TRANSPORTS } from './servers.ts'
import { describeConformance } from './table.ts'

const ROWS = [
  ...TUS_CORE_CASES,
  ...TUS_CREATION_CASES,
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
    describeConformance(`${transport}, ${storage}`, ROWS, over(open), { transport })
  }
}

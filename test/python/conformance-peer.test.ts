/**
 * The rows that any tus server owes, over the Python original: what fails there and is no known
 * deviation is a fault of the table.
 *
 * @module
 */
import { describe, expect, it } from 'vitest'
import { FORWARDED_CASES } from '../conformance/cases-forwarded.ts'
import { TUS_CORE_CASES } from '../conformance/cases-tus-core.ts'
import { TUS_CREATION_CASES } from '../conformance/cases-tus-creation.ts'
import { caseRunner } from '../conformance/table.ts'
import { startPythonServer } from './python-server.ts'

/** The original has no option for a public URL. */
const ROWS = [...TUS_CORE_CASES, ...TUS_CREATION_CASES, ...FORWARDED_CASES].filter(
  ({ server }) => server?.publicUrl === undefined,
)

/** Rows that the original does not keep, and what it does instead. */
const DEVIATIONS: Readonly<Record<string, string>> = {
  'tus-head-status': 'answers 204 to HEAD',
  'tus-head-offset-complete': 'answers 404 to HEAD once an upload is completed',
  'tus-patch-last': 'the same; the PATCH itself is answered as it should be',
  'tus-patch-chunked': 'answers 400 without Content-Length',
  'tus-override-unknown': 'goes by the actual method when the other one is unknown',
  'tus-create-metadata-key-alone': 'drops a key without a value',
  'tus-create-metadata-order': 'the same',
  'tus-create-metadata-binary': 'drops a value that is not UTF-8',
  'forwarded-trusted-nonsense': 'takes any scheme from a trusted proxy',
}

describe('conformance: Python tussi 3.1', () => {
  const run = caseRunner(startPythonServer, { transport: 'node:http', problems: false })

  for (const row of ROWS.filter(({ id }) => !(id in DEVIATIONS))) {
    it(`${row.id}: ${row.why}`, () => run(row))
  }

  for (const [id, instead] of Object.entries(DEVIATIONS)) {
    it(`${id} is a known deviation: ${instead}`, async () => {
      const row = ROWS.find((candidate) => candidate.id === id)
      if (!row) throw new Error(`there is no row ${id}`)
      await expect(run(row)).rejects.toMatchObject({ name: 'AssertionError' })
    })
  }
})

/**
 * The rows that any tus server owes, over a server of somebody else: what fails there and is no known
 * deviation is a fault of the table; a known deviation that fails no more is to be noticed as well.
 *
 * @module
 */
import { describe, expect, it } from 'vitest'
import type { ConformanceCase } from './conformance-case.ts'
import type { ServerOptions, Start } from './exchange.ts'
import { caseRunner } from './table.ts'

/** Rows that a peer fails, all for one reason. */
export interface Deviation {
  /** What it does instead. */
  readonly instead: string
  /** What the failing assertion says. */
  readonly fails: RegExp
  /** It does so by chance: a row may pass as often, but not each time. @defaultValue 1 */
  readonly tries?: number
  readonly rows: readonly string[]
}

/** Another server and how it stands to the table. */
export interface Peer {
  readonly name: string
  readonly start: Start
  readonly rows: readonly ConformanceCase[]
  /** What `start` can translate; a row that wants another option is left out. */
  readonly options: readonly (keyof ServerOptions)[]
  /** A pattern that its ids have. @defaultValue that of a UUID */
  readonly id?: string
  readonly deviations: readonly Deviation[]
}

/** One test per row. */
export function describePeer({ name, start, rows, options, id, deviations }: Peer): void {
  describe(`conformance: ${name}`, () => {
    const over = { transport: 'node:http', problems: false, ...(id !== undefined && { id }) }
    const run = caseRunner(start, over)
    const known: readonly string[] = options
    const possible = rows.filter(
      ({ server = {}, notOver }) =>
        !notOver?.includes(over.transport) &&
        Object.keys(server).every((option) => known.includes(option)),
    )

    it('deviates only in rows that there are, each for one reason', () => {
      const listed = deviations.flatMap((deviation) => deviation.rows)
      const there = possible.map((row) => row.id).filter((row) => listed.includes(row))
      expect([...listed].sort()).toEqual(there.sort())
    })

    for (const row of possible) {
      const deviation = deviations.find((one) => one.rows.includes(row.id))
      if (!deviation) it(`${row.id}: ${row.why}`, () => run(row))
      else {
        const { instead, fails, tries = 1 } = deviation
        it(`${row.id} is a known deviation: ${instead}`, async () => {
          let failure: Error | undefined
          for (let i = 0; i < tries && !failure; i++) {
            failure = await run(row).then(
              () => undefined,
              (error: Error) => error,
            )
          }
          expect(failure, 'it passes now').toBeDefined()
          expect(failure).toMatchObject({ name: 'AssertionError' })
          expect(failure?.message).toMatch(fails)
        })
      }
    }
  })
}

/**
 * The command line of `npm run bench`.
 *
 * @module
 */
import { parseArgs } from 'node:util'
import { GROWTH_NAMES } from './growth.mjs'
import { SCENARIOS } from './scenarios.mjs'
import { SERVERS } from './servers.mjs'

const NAMES = [...SCENARIOS.map(({ name }) => name), ...GROWTH_NAMES]
const PEERS = SERVERS.map(({ name }) => name).filter((name) => !name.startsWith('tussi'))

export const HELP = `npm run bench [-- FLAGS]   ours and its peers under the same load, in about an hour

  --only NAME     only what begins like this; may be given again:
                  ${NAMES.join('\n                  ')}
  --on PLACE      only tmpfs, disk or disk-fsync; may be given again
  --peers A,B     only these: ${PEERS.join(', ')}; none for ours alone
  --rounds N      how often each has its turn, 5 by default
  --quick         a look whether everything runs, in 3 minutes: its figures say nothing
  --json FILE     writes the results there as well
  --svg FILE      and a chart of the ratios
  --help          this text`

/**
 * @typedef {object} Flags
 * @property {boolean} help
 * @property {boolean} quick
 * @property {number} rounds
 * @property {readonly string[] | undefined} peers `undefined` for all
 * @property {readonly string[] | undefined} on
 * @property {string | undefined} json
 * @property {string | undefined} svg
 * @property {(name: string, where?: string) => boolean} wants
 */

/** @returns {Flags} */
export function readFlags() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      on: { type: 'string', multiple: true },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      svg: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const { only, on, help, quick, json, svg } = values
  const rounds = Number(values.rounds ?? (quick ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds must be a whole number above 0, got ${values.rounds}`)
  }
  const peers = values.peers?.split(',').filter((name) => name !== 'none')
  refuseUnknown('--peers', peers, (name) => PEERS.includes(name))
  refuseUnknown('--only', only, (start) => NAMES.some((name) => name.startsWith(start)))
  refuseUnknown('--on', on, (place) => ['tmpfs', 'disk', 'disk-fsync'].includes(place))
  return {
    ...{ help, quick, rounds, peers, on, json, svg },
    wants: (name, where) =>
      (only?.some((start) => name.startsWith(start)) ?? true) &&
      (where === undefined || (on?.includes(where) ?? true)),
  }
}

/**
 * @param {string} flag
 * @param {readonly string[] | undefined} given
 * @param {(value: string) => boolean} isKnown
 */
function refuseUnknown(flag, given, isKnown) {
  const unknown = given?.find((value) => !isKnown(value))
  if (unknown !== undefined) throw new Error(`${flag}: there is no ${unknown}; --help shows them`)
}

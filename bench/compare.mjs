/**
 * Runs a scenario over the servers: all of them are started and warmed, then they take turns, so
 * that what slows the machine for a while slows them all.
 *
 * @module
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../scripts/suites.mjs'
import { measure } from './measure.mjs'
import { startServer } from './start.mjs'
import { ratioOf, spreadOf } from './statistics.mjs'

/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./scenarios.mjs').Where} Where */

/**
 * @typedef {object} Row what is known of one server in one scenario
 * @property {string} server
 * @property {import('./statistics.mjs').Spread} figure
 * @property {import('./statistics.mjs').Spread} ratio to the reference
 * @property {number} perSecond
 * @property {number} p50
 * @property {number} p99
 * @property {number} peak
 * @property {number} loadShare
 * @property {string} remark
 *
 * @typedef {object} Comparison
 * @property {string} name
 * @property {string} what
 * @property {Where} where
 * @property {string} unit
 * @property {boolean} wall
 * @property {string} reference the server whose ratio is 1
 * @property {Row[]} rows
 * @property {string[]} leftOut servers, each with the reason
 *
 * @typedef {object} Contender
 * @property {import('./servers.mjs').Server} server
 * @property {Partial<Scenario['job']>} [job] what is different for it
 * @property {(directory: string) => void} [prepare] fills its directory beforehand
 *
 * @typedef {object} Turn
 * @property {Contender} contender
 * @property {import('./start.mjs').RunningServer} running
 * @property {import('./measure.mjs').Measurement[]} measurements
 *
 * @typedef {object} Effort
 * @property {number} rounds
 * @property {boolean} quick
 */

/** The server whose ratio is 1, where it takes part; else the first. */
const REFERENCE = 'tusd'

/** After so many requests what is compiled while it runs is compiled. */
const WARM_UP = 10_000

/** So many requests at the beginning of a turn do not count. */
const LEAD_IN = 2000

/** @type {Scenario['job']} */
const SMALL_ONES = { work: 'post-patch', connections: 16, bytes: 4096, operations: WARM_UP }

const DISK = join(ROOT, '.cache', 'bench', 'data')

/**
 * @param {Scenario} scenario
 * @param {Where} where
 * @param {readonly Contender[]} contenders
 * @param {Effort} effort
 * @returns {Promise<Comparison>}
 */
export async function compare(scenario, where, contenders, effort) {
  const { name, what, unit, wall = false, needs } = scenario
  const root = where === 'tmpfs' ? '/dev/shm' : DISK
  mkdirSync(root, { recursive: true })
  const start = (/** @type {Contender} */ { server, prepare }) =>
    startServer(server, { root, fsync: where === 'disk-fsync', prepare })
  /** @type {string[]} */
  const leftOut = []
  /** @type {Turn[]} */
  let turns = []
  /** @type {Set<Turn>} */
  const failed = new Set()
  try {
    for (const contender of contenders) {
      const running = await start(contender)
      turns.push({ contender, running, measurements: [] })
      if (needs !== undefined && !running.extensions.includes(needs)) {
        leftOut.push(`${contender.server.name} has no ${needs}`)
        await running.stop()
        turns.pop()
      }
    }
    // The first round warms up and does not count: by count, so that the slow are as warm as the fast.
    for (let round = 0; round <= effort.rounds; round++) {
      for (const turn of turns) {
        try {
          // A heap that has grown once hides what the next stalled uploads need.
          if (scenario.job.stays) {
            await turn.running.stop()
            turn.running = await start(turn.contender)
          }
          const job = { ...(effort.quick ? lessen(scenario) : scenario.job), ...turn.contender.job }
          const { seconds, ...untimed } = job
          const warming = round === 0 && !effort.quick && !job.stays
          // A few long bodies compile nothing: those come to a server that has had small ones.
          if (warming && scenario.bulk) await measure(turn.running, SMALL_ONES, { unit: 'uploads' })
          const given = warming && seconds ? { ...untimed, operations: WARM_UP } : job
          // While the others had their turns this one has slept, and its caches, and what V8 had compiled, may be gone.
          if (seconds && round > 0 && !effort.quick) {
            await measure(turn.running, { ...untimed, operations: LEAD_IN }, scenario)
          }
          const measurement = await measure(turn.running, given, scenario)
          if (round > 0) turn.measurements.push(measurement)
        } catch (error) {
          const reason = error instanceof Error ? error.message : error
          leftOut.push(`${turn.contender.server.name}: ${reason}`)
          await turn.running.stop()
          failed.add(turn)
        }
      }
      turns = turns.filter(
        ({ contender }) => !leftOut.some((x) => x.startsWith(`${contender.server.name}:`)),
      )
    }
  } finally {
    for (const { running } of turns) await running.stop()
  }
  return { name, what, where, unit, wall, leftOut, ...summarize(turns, where) }
}

/** @param {Scenario} scenario */
function lessen({ job, smallBytes }) {
  return {
    ...job,
    ...(job.seconds && { seconds: 0.3 }),
    ...(smallBytes && { bytes: smallBytes, operations: 4 }),
    ...(job.stays && { connections: 500, operations: 500 }),
  }
}

/**
 * @param {readonly Turn[]} turns
 * @param {Where} where
 */
function summarize(turns, where) {
  const known = turns.find(({ contender }) => contender.server.name === REFERENCE)
  const reference = known ?? turns[0]
  const yardstick = reference?.measurements.map(({ figure }) => figure) ?? []
  const rows = turns.map(({ contender: { server }, measurements }) => {
    /** @param {keyof import('./measure.mjs').Measurement} key */
    const all = (key) => measurements.map((measurement) => measurement[key])
    const lacks = where === 'disk-fsync' ? [server.lacksSync, server.lacks] : [server.lacks]
    return {
      server: server.name,
      figure: spreadOf(all('figure')),
      ratio: ratioOf(all('figure'), yardstick),
      perSecond: spreadOf(all('perSecond')).median,
      p50: spreadOf(all('p50')).median,
      p99: spreadOf(all('p99')).median,
      peak: spreadOf(all('peak')).median,
      loadShare: spreadOf(all('loadShare')).median,
      remark: lacks.filter(Boolean).join(', '),
    }
  })
  return { reference: reference?.contender.server.name ?? '', rows }
}

/**
 * The load, a process of its own: prepares, says `ready`, waits for a line, works, and tells in JSON
 * how it went. Operations follow one another on each connection without a pause.
 *
 * @module
 */
import { once } from 'node:events'
import { quantile } from '../statistics.mjs'
import { Connection } from './connection.mjs'
import { WORKS } from './work.mjs'

/** @typedef {import('./work.mjs').Job} Job */

/**
 * @typedef {object} Result
 * @property {number} operations
 * @property {number} seconds
 * @property {number} p50 milliseconds
 * @property {number} p99
 * @property {number} cpuShare of one core, that the load itself has used
 */

/** So many connections are opened at once; a server's backlog is finite. */
const OPEN_AT_ONCE = 64

/** @type {Job} */
const job = JSON.parse(process.argv[2] ?? '')
const { port, work, connections: wanted, seconds = Infinity, operations = Infinity } = job

const idle = await open(job.idle ?? 0)
const connections = await open(wanted)
/** @type {import('./work.mjs').Operation[]} */
const perform = []
for (const connection of connections) {
  perform.push(await WORKS[work].prepare(connection, job))
}
process.stdout.write('ready\n')
await once(process.stdin, 'data')

/** @type {number[]} */
const latencies = []
const cpu = process.cpuUsage()
const start = performance.now()
const end = start + seconds * 1000
let begun = 0
await Promise.all(connections.map(run))
const elapsed = (performance.now() - start) / 1000
const { user, system } = process.cpuUsage(cpu)
/** @type {Result} */
const result = {
  operations: latencies.length,
  seconds: elapsed,
  p50: quantile(latencies, 0.5),
  p99: quantile(latencies, 0.99),
  cpuShare: (user + system) / 1e6 / elapsed,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
if (job.stays) await once(process.stdin.resume(), 'end')
for (const connection of [...connections, ...idle]) connection.close()
process.stdin.destroy()

/**
 * @param {Connection} connection
 * @param {number} i
 */
async function run(connection, i) {
  while (begun < operations) {
    begun++
    const before = performance.now()
    if (before >= end) return
    await perform[i]?.(connection, job)
    latencies.push(performance.now() - before)
  }
}

/** @param {number} count */
async function open(count) {
  /** @type {Connection[]} */
  const opened = []
  while (opened.length < count) {
    const some = Math.min(OPEN_AT_ONCE, count - opened.length)
    opened.push(...(await Promise.all(Array.from({ length: some }, () => Connection.open(port)))))
  }
  return opened
}

/**
 * One measurement: a load against a running server.
 *
 * @module
 */
import { cpuSeconds, memoryOf, resetPeak } from './process-tree.mjs'
import { startLoad } from './start.mjs'
import { warmMemory } from './warm-memory.mjs'

/**
 * @typedef {object} Measurement
 * @property {number} figure what the scenario is judged by: its unit per CPU-second of the server, or per second, or KiB
 * @property {number} perSecond the same per second of wall time
 * @property {number} p50 milliseconds
 * @property {number} p99
 * @property {number} peak bytes of the server's memory
 * @property {number} loadShare of one core, used by the load
 */

/** A stalled upload is looked at when servers have noticed that it stalls. */
const SETTLE_MS = 1500
/** What a server needs for any upload is there before the stalled ones come. */
const BEFORE_STALLED = { connections: 16, bytes: 4096, operations: 400 }

/** Sockets and servers hold some of it in between. */
const SPARE_BYTES = 256 * 2 ** 20

/**
 * @param {import('./start.mjs').RunningServer} running
 * @param {import('./scenarios.mjs').Scenario['job']} job
 * @param {Pick<import('./scenarios.mjs').Scenario, 'unit' | 'wall'>} judged
 * @returns {Promise<Measurement>}
 */
export async function measure(running, job, { unit, wall }) {
  if (job.stays) await measure(running, { work: 'post-patch', ...BEFORE_STALLED }, { unit })
  const { pid, port, server } = running
  const before = memoryOf(pid)
  const load = await startLoad({ ...job, port, path: server.path })
  if (unit === 'MiB') warmMemory((job.operations ?? 0) * job.bytes + SPARE_BYTES)
  resetPeak(pid)
  const cpu = cpuSeconds(pid)
  const result = await load.go()
  if (job.stays) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const used = cpuSeconds(pid) - cpu
  const { peak, own } = memoryOf(pid)
  await load.end()
  // What is removed slows the next ones: ext4 looks at each of the inodes for minutes.
  if (!wall) running.empty()
  const { operations, seconds, p50, p99, cpuShare } = result
  const amount = unit === 'MiB' ? (operations * job.bytes) / 2 ** 20 : operations
  const perSecond = amount / seconds
  const rate = wall ? perSecond : amount / used
  const figure = job.stays ? (own - before.own) / 1024 / job.connections : rate
  return { figure, perSecond, p50, p99, peak, loadShare: cpuShare }
}

/**
 * What is compared: each load, and where its bytes go.
 *
 * @module
 */

/** @typedef {'tmpfs' | 'disk' | 'disk-fsync'} Where */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} what
 * @property {Omit<import('./load/work.mjs').Job, 'port' | 'path'>} job
 * @property {readonly Where[]} on
 * @property {string} unit of the rate: `uploads` and the like count operations, `MiB` counts bytes
 * @property {string} [needs] an extension of tus; a server without it is left out
 * @property {boolean} [wall] judged by the time on the wall, for it waits for a disk
 * @property {boolean} [bulk] of long bodies
 * @property {number} [smallBytes] of an upload where `--quick` was asked for
 */

const MIB = 2 ** 20
const SMALL = 4096

/** @type {readonly Where[]} */
const EVERYWHERE = ['tmpfs', 'disk', 'disk-fsync']
/** @type {readonly Where[]} */
const WITHOUT_FSYNC = ['tmpfs', 'disk']

/** @type {readonly Scenario[]} */
export const SCENARIOS = [
  ...[1, 16, 256].flatMap((connections) => [
    {
      name: `post-patch-${connections}`,
      what: `4 KiB uploads as POST + PATCH, ${connections} at once`,
      job: { work: /** @type {const} */ ('post-patch'), connections, bytes: SMALL, seconds: 2 },
      on: EVERYWHERE,
      unit: 'uploads',
    },
    {
      name: `creation-with-upload-${connections}`,
      what: `4 KiB uploads as creation-with-upload, ${connections} at once`,
      job: {
        work: /** @type {const} */ ('creation-with-upload'),
        connections,
        bytes: SMALL,
        seconds: 2,
      },
      on: EVERYWHERE,
      unit: 'uploads',
      needs: 'creation-with-upload',
    },
  ]),
  {
    name: 'head-16',
    what: 'offset queries (HEAD), 16 at once',
    job: { work: 'head', connections: 16, bytes: SMALL, seconds: 2 },
    on: WITHOUT_FSYNC,
    unit: 'queries',
  },
  {
    name: 'one-patch-256-mib',
    what: '256 MiB in one PATCH, 4 at once',
    job: { work: 'post-patch', connections: 4, bytes: 256 * MIB, operations: 4 },
    on: EVERYWHERE,
    unit: 'MiB',
    bulk: true,
    smallBytes: 32 * MIB,
  },
  {
    name: 'chunks-8-mib',
    what: '64 MiB in PATCHes of 8 MiB, 4 at once',
    job: { work: 'post-patch', connections: 4, bytes: 64 * MIB, chunk: 8 * MIB, operations: 12 },
    on: EVERYWHERE,
    unit: 'MiB',
    bulk: true,
    smallBytes: 16 * MIB,
  },
  {
    name: 'concatenation',
    what: '64 MiB of 4 partial uploads, 4 at once, concatenated',
    job: { work: 'concatenation', connections: 4, bytes: 64 * MIB, operations: 12 },
    on: EVERYWHERE,
    unit: 'MiB',
    bulk: true,
    needs: 'concatenation',
    smallBytes: 16 * MIB,
  },
  ...[500, 5000].map((connections) => ({
    name: `stalled-${connections}`,
    what: `${connections} uploads that stall after 64 KiB of 1 MiB`,
    job: {
      work: /** @type {const} */ ('stall'),
      connections,
      bytes: MIB,
      operations: connections,
      stays: true,
    },
    on: WITHOUT_FSYNC,
    unit: 'KiB per upload',
  })),
]

/**
 * What ours costs as things grow: as comparisons of ours with itself, or as a figure for each size.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillWithUploads } from './growth/ballast.mjs'
import { OURS } from './servers.mjs'
import { formatTable, short } from './table.mjs'

/** @typedef {import('./scenarios.mjs').Scenario} Scenario */
/** @typedef {import('./compare.mjs').Contender} Contender */

/**
 * @typedef {object} Growth
 * @property {string} name
 * @property {Scenario} scenario
 * @property {(quick: boolean) => Contender[]} contenders
 *
 * @typedef {object} Figures what a process of ours needs for so much
 * @property {string} name
 * @property {string} what
 * @property {'claims' | 'janitor'} work
 * @property {'completed' | 'uploads'} directory the one that is filled
 * @property {readonly number[]} sizes
 * @property {readonly number[]} quickSizes
 *
 * @typedef {{ size: number, p50: number, p99: number, seconds: number, peak: number }} Figure
 */

const PROCESS = fileURLToPath(new URL('growth/process.mjs', import.meta.url))
const SERVER = fileURLToPath(new URL('growth/server.mjs', import.meta.url))

/** @type {import('./servers.mjs').Server} */
const LIBRARY = {
  ...OURS,
  command: ({ directory, port }) => [process.execPath, SERVER, directory, `${port}`],
}

/**
 * @param {string} name
 * @param {'post-patch' | 'head'} work
 * @param {string} what
 * @returns {Scenario}
 */
function scenario(name, work, what) {
  const unit = work === 'head' ? 'queries' : 'uploads'
  const job = { work, connections: 16, bytes: 4096, seconds: 2 }
  return { name, what, job, on: ['tmpfs'], unit }
}

/** @param {boolean} quick */
function crowded(quick) {
  const count = quick ? 1000 : 1_000_000
  /** @param {string} directory */
  const prepare = (directory) => fillWithUploads(join(directory, 'uploads'), count)
  return [
    { server: { ...LIBRARY, name: 'empty' } },
    { server: { ...LIBRARY, name: `${count.toLocaleString('en')} uploads` }, prepare },
  ]
}

/** @type {readonly Growth[]} */
const COMPARISONS = [
  {
    name: 'growth-crowded-head',
    scenario: scenario('growth-crowded-head', 'head', 'HEAD in a directory with many uploads'),
    contenders: crowded,
  },
  {
    name: 'growth-crowded-patch',
    scenario: scenario('growth-crowded-patch', 'post-patch', 'POST + PATCH beside many uploads'),
    contenders: crowded,
  },
  {
    name: 'growth-metadata',
    scenario: scenario('growth-metadata', 'post-patch', 'POST + PATCH with 4 KiB of metadata'),
    contenders: () => [
      { server: { ...OURS, name: 'without' } },
      { server: { ...OURS, name: '4 KiB' }, job: { metadata: 4096 } },
    ],
  },
  {
    name: 'growth-connections',
    scenario: scenario('growth-connections', 'post-patch', 'POST + PATCH beside idle connections'),
    contenders: (quick) => [
      { server: { ...LIBRARY, name: 'none' } },
      {
        server: { ...LIBRARY, name: quick ? '500' : '10,000' },
        job: { idle: quick ? 500 : 10_000 },
      },
    ],
  },
  {
    name: 'growth-processes',
    scenario: scenario('growth-processes', 'post-patch', 'POST + PATCH by several processes'),
    contenders: () => [processes(1), processes(2)],
  },
  {
    name: 'growth-together',
    scenario: {
      ...scenario('growth-together', 'post-patch', 'POST + PATCH that share their syncs'),
      on: ['disk-fsync'],
      wall: true,
    },
    contenders: () =>
      [1, 16, 64, 256].map((connections) => ({
        server: { ...OURS, name: `${connections} at once` },
        job: { connections },
      })),
  },
]

/**
 * On the cores of the load as well, so that they do meet in the directories.
 *
 * @param {number} count
 * @returns {Contender}
 */
function processes(count) {
  /** @param {import('./servers.mjs').Place} place */
  const command = (place) => [...OURS.command(place), '--processes', `${count}`]
  const server = { ...OURS, name: `--processes ${count}`, cores: '0,1', command }
  return { server, job: { connections: 128 } }
}

/** @type {readonly Figures[]} */
const FIGURES = [
  {
    name: 'growth-claims',
    what: 'claims while so many uploads wait',
    work: 'claims',
    directory: 'completed',
    sizes: [10, 100, 1000, 10_000, 100_000],
    quickSizes: [10, 1000],
  },
  {
    name: 'growth-janitor',
    what: 'a pass of the janitor over so many uploads',
    work: 'janitor',
    directory: 'uploads',
    sizes: [1000, 10_000, 100_000, 1_000_000],
    quickSizes: [1000, 10_000],
  },
]

export const GROWTHS = { comparisons: COMPARISONS, figures: FIGURES }
export const GROWTH_NAMES = [...COMPARISONS, ...FIGURES].map(({ name }) => name)

/**
 * @param {Figures} figures
 * @param {boolean} quick
 * @returns {Figure[]}
 */
export function measureFigures({ work, directory, sizes, quickSizes }, quick) {
  return (quick ? quickSizes : sizes).map((size) => {
    const root = mkdtempSync('/dev/shm/tussi-bench-')
    try {
      for (const name of ['uploads', 'completed']) mkdirSync(join(root, name))
      fillWithUploads(join(root, directory), size, { completed: directory === 'completed' })
      const { status, stdout, stderr } = spawnSync(process.execPath, [PROCESS, work, root], {
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`${work}: ${stderr}`)
      return { size, ...JSON.parse(stdout) }
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
}

/**
 * @param {Figures} figures
 * @param {readonly Figure[]} measured
 */
export function formatFigures({ name, what }, measured) {
  const rows = measured.map(({ size, p50, p99, seconds, peak }) => [
    size.toLocaleString('en'),
    ...[p50, p99, seconds, peak / 2 ** 20].map(short),
  ])
  const heads = ['how many', 'p50 ms', 'p99 ms', 'seconds', 'peak MiB']
  return [`${name} on tmpfs: ${what}`, ...formatTable([heads, ...rows])].join('\n')
}

/**
 * The one table of test suites. A suite is a folder below `test/`; `vitest.config.ts`,
 * `scripts/test.mjs` and the table in CONTRIBUTING.md all follow it.
 *
 * @module
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * The Node.js lines on which the suites marked `everyNode` run besides the present one.
 *
 * @type {Record<string, string>}
 */
export const OTHER_NODES = {
  22: '22.23.3',
  24: '24.21.0',
  26: '26.10.0',
}

/**
 * @typedef {'btrfs' | 'chromium' | 'curl' | 'go' | 'java' | 'nginx' | 'openssl' | 'python' | 'strace' | 'xfs'} RealPart
 *
 * @typedef {object} Suite
 * @property {string} name the folder below `test/`
 * @property {string} proves what a reader of the output wants to know
 * @property {number} budgetSeconds the time it should take on two cores; killed after three times that
 * @property {number} testTimeoutMs the longest a single test may take
 * @property {readonly RealPart[]} [needs] what must be on the machine
 * @property {boolean} [everyNode] runs on every supported line of Node.js
 * @property {string} [also] further files, as a pattern
 * @property {boolean} [oneByOne] files take turns, because each one fills the machine
 */

/** @type {readonly Suite[]} */
export const SUITES = [
  {
    name: 'tooling',
    proves: 'the scripts of this repository and its import rules',
    also: 'test/*.test.ts',
    budgetSeconds: 30,
    testTimeoutMs: 20_000,
  },
  {
    name: 'protocol',
    proves: 'field grammars and the translation of tus',
    budgetSeconds: 20,
    testTimeoutMs: 10_000,
    everyNode: true,
  },
  {
    name: 'http',
    proves: 'routing, CORS, Location, problem documents',
    budgetSeconds: 20,
    testTimeoutMs: 10_000,
  },
  {
    name: 'upload',
    proves: 'the operations on one upload: who may write, and what is told of it',
    budgetSeconds: 20,
    testTimeoutMs: 10_000,
  },
  {
    name: 'store',
    proves: 'the filesystem storage and what a killed process leaves',
    budgetSeconds: 120,
    testTimeoutMs: 30_000,
  },
  {
    name: 'janitor',
    proves: 'what is cleaned up and what never is',
    budgetSeconds: 60,
    testTimeoutMs: 30_000,
  },
  {
    name: 'contract',
    proves: 'what every storage and queue promises',
    budgetSeconds: 90,
    testTimeoutMs: 30_000,
    everyNode: true,
  },
  {
    name: 'conformance',
    proves: 'each sentence of the protocol over HTTP',
    budgetSeconds: 90,
    testTimeoutMs: 30_000,
    everyNode: true,
  },
  {
    name: 'app',
    proves: 'the public surface: TusApp, events, workers',
    budgetSeconds: 90,
    testTimeoutMs: 30_000,
  },
  {
    name: 'adapters',
    proves: 'node:http, node:http2 and Fetch',
    budgetSeconds: 60,
    testTimeoutMs: 30_000,
    everyNode: true,
  },
  {
    name: 'cli',
    proves: 'tussi-server and tussi-upload as processes',
    budgetSeconds: 120,
    testTimeoutMs: 60_000,
  },
  {
    name: 'python',
    proves: 'one set of directories with the Python original',
    budgetSeconds: 90,
    testTimeoutMs: 60_000,
    needs: ['python'],
  },
  {
    name: 'peers',
    proves: 'the conformance table itself, over the server for Node.js of the tus project',
    budgetSeconds: 30,
    testTimeoutMs: 30_000,
  },
  {
    name: 'tusd',
    proves: 'the conformance table itself, over the reference server',
    budgetSeconds: 30,
    testTimeoutMs: 30_000,
    needs: ['go'],
  },
  {
    name: 'proxy',
    proves: 'nginx with TLS in front',
    budgetSeconds: 60,
    testTimeoutMs: 60_000,
    needs: ['nginx', 'openssl', 'curl'],
  },
  {
    name: 'clients',
    proves: 'tus-js-client, tuspy and curl',
    budgetSeconds: 90,
    testTimeoutMs: 60_000,
    needs: ['python', 'curl'],
  },
  {
    name: 'browser',
    proves: 'Uppy and tus-js-client in Chromium, on another origin',
    budgetSeconds: 45,
    testTimeoutMs: 30_000,
    needs: ['chromium'],
  },
  {
    name: 'java',
    proves: 'tus-java-client',
    budgetSeconds: 30,
    testTimeoutMs: 60_000,
    needs: ['java'],
  },
  {
    name: 'frameworks',
    proves: 'each folder of examples/, started and used',
    budgetSeconds: 120,
    testTimeoutMs: 60_000,
  },
  {
    name: 'faults',
    proves: 'kills, power loss and full disks cost nothing that was acknowledged',
    budgetSeconds: 720,
    testTimeoutMs: 300_000,
    needs: ['strace', 'btrfs', 'xfs'],
    oneByOne: true,
  },
  {
    name: 'show',
    proves: 'a big file survives a killed client and a killed server',
    budgetSeconds: 180,
    testTimeoutMs: 300_000,
    oneByOne: true,
  },
]

/**
 * Folders below `test/` that no row of the table runs.
 *
 * @returns {string[]}
 */
export function foldersWithoutSuite() {
  return readdirSync(join(ROOT, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !SUITES.some((suite) => suite.name === entry.name))
    .map((entry) => entry.name)
}

/**
 * @typedef {object} Run one suite on one Node.js
 * @property {string} name `contract`, or `contract@22` on another Node.js
 * @property {Suite} suite
 * @property {string} [nodeLine] the other line, `22`
 */

/**
 * Every run of `npm test`, in order. A suite that runs on every line of Node.js stands here once
 * for the present one and once for each other.
 *
 * @returns {Run[]}
 */
export function listRuns(presentNode = process.versions.node) {
  const others = Object.keys(OTHER_NODES).filter((line) => !presentNode.startsWith(`${line}.`))
  return SUITES.flatMap((suite) => [
    { name: suite.name, suite },
    ...(suite.everyNode ? others : []).map((line) => ({
      name: `${suite.name}@${line}`,
      suite,
      nodeLine: line,
    })),
  ])
}

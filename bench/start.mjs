/**
 * Starting servers and loads, each on a core of its own.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const LOAD = fileURLToPath(new URL('load/main.mjs', import.meta.url))
const START_TIMEOUT_MS = 20_000
const LOAD_TIMEOUT_MS = 300_000

/** Whether the server has a core that the load does not use. */
export const PINNED = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

/**
 * @typedef {object} RunningServer
 * @property {import('./servers.mjs').Server} server
 * @property {number} port
 * @property {number} pid
 * @property {readonly string[]} extensions its `Tus-Extension`
 * @property {() => void} empty removes what it has stored; nobody may be using it
 * @property {() => Promise<void>} stop
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

/**
 * @param {readonly string[]} command
 * @param {string} core
 * @param {import('node:child_process').StdioOptions} stdio
 */
function spawnPinned(command, core, stdio) {
  // As many descriptors as the machine allows: thousands of connections are held open.
  const limit = ['sh', '-c', 'ulimit -n "$(ulimit -H -n)"; exec "$@"', 'sh']
  const pin = PINNED ? ['taskset', '-c', core] : []
  const [program = '', ...args] = [...limit, ...pin, ...command]
  const child = spawn(program, args, { stdio })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/**
 * Starts a server in an empty directory below `root` and waits until it answers.
 *
 * @param {import('./servers.mjs').Server} server
 * @param {{ root: string, fsync: boolean, prepare?: ((directory: string) => void) | undefined }} options
 * @returns {Promise<RunningServer>}
 */
export async function startServer(server, { root, fsync, prepare }) {
  const directory = mkdtempSync(join(root, 'tussi-bench-'))
  prepare?.(directory)
  const port = await freePort()
  const command = server.command({ directory, port, fsync })
  const child = spawnPinned(command, server.cores ?? '0', ['ignore', 'ignore', 'pipe'])
  let complaints = ''
  child.stderr?.on('data', (data) => {
    complaints = `${complaints}${data}`.slice(-2000)
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      // Nobody needs what it has stored.
      child.kill('SIGKILL')
      await exited
    }
    rmSync(directory, { recursive: true, force: true })
  }
  const empty = () => {
    // What was put there beforehand is to stay.
    if (!prepare) removeFiles(directory)
  }
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const extensions = await extensionsOf(port, server.path)
    if (extensions) {
      const { pid = 0 } = child
      return { server, port, pid, extensions, empty, stop }
    }
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`${server.name} did not start: ${complaints}`)
    }
    await delay(20)
  }
}

/**
 * Starts a load that has prepared itself. `go` resolves with what it tells.
 *
 * @param {import('./load/work.mjs').Job} job
 */
export async function startLoad(job) {
  const command = [process.execPath, LOAD, JSON.stringify(job)]
  const child = spawnPinned(command, '1', ['pipe', 'pipe', 'pipe'])
  const late = setTimeout(() => child.kill('SIGKILL'), LOAD_TIMEOUT_MS)
  let complaints = ''
  child.stderr?.on('data', (data) => {
    complaints = `${complaints}${data}`.slice(-2000)
  })
  const lines = createInterface({ input: /** @type {NodeJS.ReadableStream} */ (child.stdout) })
  const told = lines[Symbol.asyncIterator]()
  const tell = async () => {
    const { value, done } = await told.next()
    if (done)
      throw new Error(/^Error: (.*)$/m.exec(complaints)?.[1] ?? `the load ended: ${complaints}`)
    return String(value)
  }
  await tell()
  return {
    /** @returns {Promise<import('./load/main.mjs').Result>} */
    async go() {
      child.stdin?.write('go\n')
      return JSON.parse(await tell())
    },
    async end() {
      const exited = child.exitCode === null && once(child, 'exit')
      child.stdin?.end()
      await exited
      clearTimeout(late)
    },
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * @param {number} port
 * @param {string} path
 * @returns {Promise<string[] | undefined>} `undefined` while nobody answers
 */
function extensionsOf(port, path) {
  return new Promise((resolve) => {
    const options = { port, host: '127.0.0.1', path, method: 'OPTIONS', agent: false }
    request(options, (res) => {
      res.resume()
      const field = res.headers['tus-extension'] ?? ''
      resolve(String(field).split(','))
    })
      .on('error', () => resolve(undefined))
      .end()
  })
}

/** @param {string} directory */
function removeFiles(directory) {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) rmSync(join(entry.parentPath, entry.name), { force: true })
  }
}

/**
 * Installs the packages of `package-lock.json`, and knows when that is not needed.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} Locked */

/**
 * Tells whether `node_modules` holds what `package-lock.json` asks for. It compares what npm wrote
 * down, not times: a fresh clone or a branch switch changes those without changing any package.
 *
 * @param {string} root
 * @returns {boolean}
 */
export function packagesAreCurrent(root) {
  const wanted = readLock(join(root, 'package-lock.json'))
  const present = readLock(join(root, 'node_modules', '.package-lock.json'))
  if (!wanted || !present) return false
  return Object.entries(wanted).every(([path, locked]) => {
    if (path === '') return true
    const there = present[path]
    // npm leaves out optional packages made for other platforms.
    if (!there) return Boolean(locked.optional || locked.devOptional)
    return there.version === locked.version && there.integrity === locked.integrity
  })
}

/**
 * Runs `npm ci` where it is needed. Development packages come too, whatever `NODE_ENV` says: the
 * compiler is one. No package here needs its install script.
 *
 * @param {string} root
 * @param {(line: string) => void} say
 * @throws Error with one line, npm's own
 */
export function installPackages(root, say) {
  if (packagesAreCurrent(root)) return
  say('installing packages')
  const { status, error, output } = runNpm(root, ['ci', '--include=dev', '--ignore-scripts'])
  if (error) throw new Error(`could not run npm: ${error.message}`)
  if (status !== 0) throw new Error(`could not install packages: ${npmComplaint(output)}`)
}

/**
 * Runs npm with the terminal kept out of it, since a server may want to ask questions there.
 *
 * @param {string} cwd
 * @param {readonly string[]} args
 * @returns {{ status: number | null, error: Error | undefined, output: string }}
 */
export function runNpm(cwd, args) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--no-progress']
  const own = process.env.npm_execpath
  const [command, first] = own?.endsWith('.js') ? [process.execPath, [own]] : ['npm', []]
  const { status, error, stdout, stderr } = spawnSync(command, [...first, ...args, ...quiet], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  })
  return { status, error, output: `${stdout ?? ''}${stderr ?? ''}` }
}

/**
 * The line of npm's output that says what went wrong: the one after its error codes.
 *
 * @param {string} output
 */
export function npmComplaint(output) {
  const lines = output
    .split('\n')
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim())
  const code = lines.find((line) => line.startsWith('code '))?.slice('code '.length)
  const message = lines.find((line) => line && !/^(code|syscall|errno|path) /.test(line))
  return (
    [code, message].filter(Boolean).join(': ') || output.trim().split('\n').at(-1) || 'no reason'
  )
}

/**
 * @param {string} path
 * @returns {Record<string, Locked> | undefined}
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return undefined
  }
}

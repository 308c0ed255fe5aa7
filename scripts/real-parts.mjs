/**
 * The real parts that some suites talk to: programs from the distribution, the Python original and
 * other lines of Node.js. What is missing is installed where that is possible; the programs by apt,
 * all else below `.cache/`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { npmComplaint, runNpm } from './install.mjs'
import { OTHER_NODES, ROOT } from './suites.mjs'

/** @typedef {import('./suites.mjs').Run} Run */

const CACHE = join(ROOT, '.cache')
const VENV = join(CACHE, 'venv')
const VENV_PYTHON = join(VENV, 'bin', 'python')

/**
 * Debian's packages for each part.
 *
 * @type {Record<string, string[]>}
 */
const APT_PACKAGES = {
  curl: ['curl'],
  libatomic: ['libatomic1'],
  nginx: ['nginx'],
  openssl: ['openssl'],
  python: ['python3', 'python3-venv'],
  strace: ['strace'],
}

/** nginx lives where only root looks by default. */
const PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin']
  .filter(Boolean)
  .join(delimiter)

/**
 * Brings everything that the runs need, as far as it can.
 *
 * @param {readonly Run[]} runs
 * @param {(line: string) => void} say
 * @returns {(run: Run) => string | undefined} why a run cannot be made, if it cannot
 */
export function bringRealParts(runs, say) {
  const programs = new Set(runs.flatMap((run) => run.suite.needs ?? []))
  /** @type {Map<string, string>} */
  const missing = new Map()
  const complaint = installPrograms(
    [...programs].filter((name) => !isInstalled(name)),
    say,
  )
  for (const name of programs) {
    if (!isInstalled(name)) missing.set(name, `${name} is missing: ${complaint}`)
  }
  if (programs.has('python') && !missing.has('python')) note('python', makeVenv(say))
  for (const line of new Set(runs.flatMap((run) => run.nodeLine ?? []))) {
    note(`node ${line}`, fetchNode(line, say))
  }
  return ({ suite, nodeLine }) =>
    [...(suite.needs ?? []), ...(nodeLine ? [`node ${nodeLine}`] : [])]
      .flatMap((part) => missing.get(part) ?? [])
      .join('; ') || undefined

  /**
   * @param {string} part
   * @param {string | undefined} reason
   */
  function note(part, reason) {
    if (reason) missing.set(part, reason)
  }
}

/**
 * The environment of a run: the real parts can be found in it.
 *
 * @param {Run} run
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentOf(run) {
  const nodePath = run.nodeLine ? [join(nodeBinary(run.nodeLine), '..')] : []
  return { ...process.env, PATH: [...nodePath, PATH].join(delimiter), TUSSI_PYTHON: VENV_PYTHON }
}

/**
 * The Node.js that a run uses.
 *
 * @param {Run} run
 */
export function nodeOf(run) {
  return run.nodeLine ? nodeBinary(run.nodeLine) : process.execPath
}

/** @param {string} name */
function isInstalled(name) {
  if (name === 'python') return findPython() !== undefined
  return succeeds(name, [name === 'nginx' ? '-v' : name === 'openssl' ? 'version' : '--version'])
}

/** A Python that can make a virtual environment; Debian's own cannot without `python3-venv`. */
function findPython() {
  const candidates = ['python3', '/usr/bin/python3']
  return candidates.find((python) => succeeds(python, ['-c', 'import ensurepip, venv']))
}

/**
 * @param {readonly string[]} names
 * @param {(line: string) => void} say
 * @returns {string} why it did not work, if it did not
 */
function installPrograms(names, say) {
  if (names.length === 0) return ''
  if (!succeeds('apt-get', ['--version'])) return 'there is no apt-get to install it with'
  const root = process.getuid?.() === 0
  if (!root && !succeeds('sudo', ['-n', 'true'])) return 'only root may install it'
  say(`installing ${names.join(', ')} by apt`)
  const packages = names.flatMap((name) => APT_PACKAGES[name] ?? [])
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=120']
  // The run level keeps nginx from being started as a service by its package.
  const variables = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1']
  const prefix = [...(root ? [] : ['sudo', '-n']), ...variables, 'apt-get']
  const updated = run([...prefix, 'update', ...options])
  const installed = run([
    ...prefix,
    'install',
    '--yes',
    '--no-install-recommends',
    ...options,
    ...packages,
  ])
  return installed ?? updated ?? 'apt installed it, yet it does not run'
}

/**
 * @param {(line: string) => void} say
 * @returns {string | undefined} why there is none
 */
function makeVenv(say) {
  const requirements = readFileSync(join(ROOT, 'scripts', 'requirements.txt'), 'utf8')
  const installed = join(VENV, 'installed.txt')
  const current = existsSync(installed) && readFileSync(installed, 'utf8') === requirements
  if (current && succeeds(VENV_PYTHON, ['-c', 'import tussi'])) return undefined
  say('making a Python environment in .cache/venv')
  rmSync(VENV, { recursive: true, force: true })
  const list = join(ROOT, 'scripts', 'requirements.txt')
  const complaint =
    run([findPython() ?? 'python3', '-m', 'venv', VENV]) ??
    run([VENV_PYTHON, '-m', 'pip', 'install', '--quiet', '--requirement', list])
  if (complaint) return `the Python environment could not be made: ${complaint}`
  writeFileSync(installed, requirements)
  return undefined
}

/**
 * Fetches a Node.js of another line. The npm package `node` would do it from an install script; the
 * package for the platform, which that script asks for, holds the binary itself.
 *
 * @param {string} line
 * @param {(line: string) => void} say
 * @returns {string | undefined} why there is none
 */
function fetchNode(line, say) {
  const version = OTHER_NODES[line]
  const binary = nodeBinary(line)
  if (versionOf(binary) === `v${version}`) return undefined
  say(`fetching Node.js ${version} to .cache/node-${line}`)
  const folder = nodeFolder(line)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // Keeps npm in this folder. Its --prefix would too, but moves the global configuration there as well.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const wanted = `${nodePackage()}@${version}`
  const npm = runNpm(folder, ['install', '--ignore-scripts', wanted])
  if (npm.status !== 0) return `${wanted} could not be installed: ${npmComplaint(npm.output)}`
  let complaint = run([binary, '--version'])
  if (complaint?.includes('libatomic')) {
    // Node.js 26 wants it, and a small Debian has none.
    installPrograms(['libatomic'], say)
    complaint = run([binary, '--version'])
  }
  return complaint && `${wanted} does not run on this machine: ${complaint}`
}

/** @param {string} line */
function nodeFolder(line) {
  return join(CACHE, `node-${line}`)
}

/** @param {string} line */
function nodeBinary(line) {
  return join(nodeFolder(line), 'node_modules', nodePackage(), 'bin', 'node')
}

function nodePackage() {
  return `node-${process.platform}-${process.arch}`
}

/** @param {string} binary */
function versionOf(binary) {
  return spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim()
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore', env: { ...process.env, PATH } }).status === 0
}

/**
 * @param {readonly string[]} command
 * @returns {string | undefined} the last thing it said, if it failed
 */
function run([command = '', ...args]) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  })
  if (status === 0) return undefined
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`.split('\n').filter((line) => line.trim())
  const telling = lines.filter((line) => /^(E|ERROR|error)\b/.test(line))
  return (telling.at(-1) ?? lines.at(-1) ?? error?.message ?? `${command} failed`).trim()
}

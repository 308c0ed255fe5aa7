/**
 * The real parts that some suites talk to: programs from the distribution, the Python original,
 * clients and servers of other languages and other lines of Node.js. What is missing is installed
 * where that is possible; the programs by apt, all else below `.cache/`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { buildTusd, fetchJavaClient, JAVA_CLIENT, TUSD } from './built-parts.mjs'
import { npmComplaint, runNpm } from './install.mjs'
import {
  findChromium,
  findPython,
  installPrograms,
  isInstalled,
  PATH,
  run,
  succeeds,
} from './programs.mjs'
import { OTHER_NODES, ROOT } from './suites.mjs'

/** @typedef {import('./suites.mjs').Run} Run */

const CACHE = join(ROOT, '.cache')
const VENV = join(CACHE, 'venv')
const VENV_PYTHON = join(VENV, 'bin', 'python')

/**
 * What has to be made with a program once it is there.
 *
 * @type {Record<string, (say: (line: string) => void) => string | undefined>}
 */
const FURTHER_STEPS = { go: buildTusd, java: fetchJavaClient, python: makeVenv }

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
  const complaintOf = installPrograms(
    [...programs].filter((name) => !isInstalled(name)),
    say,
  )
  for (const name of programs) {
    if (isInstalled(name)) note(name, FURTHER_STEPS[name]?.(say))
    else missing.set(name, `${name} is missing: ${complaintOf(name)}`)
  }
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
  return {
    ...process.env,
    PATH: [...nodePath, PATH].join(delimiter),
    TUSSI_PYTHON: VENV_PYTHON,
    TUSSI_TUSD: TUSD,
    TUSSI_JAVA_CLIENT: JAVA_CLIENT,
    ...(run.suite.needs?.includes('chromium') && { TUSSI_CHROMIUM: findChromium() }),
  }
}

/**
 * The Node.js that a run uses.
 *
 * @param {Run} run
 */
export function nodeOf(run) {
  return run.nodeLine ? nodeBinary(run.nodeLine) : process.execPath
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

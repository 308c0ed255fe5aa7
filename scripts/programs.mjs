/**
 * Programs of the machine: finds them, runs them, and installs those that are missing by apt where
 * that is possible.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT } from './suites.mjs'

/**
 * Debian's packages for each part.
 *
 * @type {Record<string, string[]>}
 */
const APT_PACKAGES = {
  btrfs: ['btrfs-progs'],
  chromium: ['chromium'],
  curl: ['curl'],
  go: ['golang-go'],
  java: ['default-jdk-headless', 'maven'],
  libatomic: ['libatomic1'],
  nginx: ['nginx'],
  openssl: ['openssl'],
  python: ['python3', 'python3-venv'],
  strace: ['strace'],
  xfs: ['xfsprogs'],
}

/** nginx lives where only root looks by default. */
export const PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin']
  .filter(Boolean)
  .join(delimiter)

/**
 * How each part shows that it is there, where that is not by `--version`.
 *
 * @type {Record<string, () => boolean>}
 */
const CHECKS = {
  chromium: () => findChromium() !== undefined,
  go: () => succeeds('go', ['version']),
  java: () => succeeds('javac', ['--version']) && succeeds('mvn', ['--version']),
  nginx: () => succeeds('nginx', ['-v']),
  openssl: () => succeeds('openssl', ['version']),
  python: () => findPython() !== undefined,
  xfs: () => succeeds('mkfs.xfs', ['-V']),
}

/** @param {string} name */
export function isInstalled(name) {
  return CHECKS[name]?.() ?? succeeds(name, ['--version'])
}

/** Where it is. Debian has it by its own name; elsewhere it may come as Chrome. */
export function findChromium() {
  const folders = PATH.split(delimiter)
  const candidates = ['chromium', 'google-chrome'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  )
  return candidates.find((path) => existsSync(path) && succeeds(path, ['--version']))
}

/** A Python that can make a virtual environment; Debian's own cannot without `python3-venv`. */
export function findPython() {
  const candidates = ['python3', '/usr/bin/python3']
  return candidates.find((python) => succeeds(python, ['-c', 'import ensurepip, venv']))
}

/**
 * Installs each by itself, for what one distribution does not have must not keep the others away.
 *
 * @param {readonly string[]} names
 * @param {(line: string) => void} say
 * @returns {(name: string) => string} why one is not there, if it is not
 */
export function installPrograms(names, say) {
  if (names.length === 0) return () => ''
  if (!succeeds('apt-get', ['--version'])) return () => 'there is no apt-get to install it with'
  const root = process.getuid?.() === 0
  if (!root && !succeeds('sudo', ['-n', 'true'])) return () => 'only root may install it'
  say(`installing ${names.join(', ')} by apt`)
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=120']
  // The run level keeps nginx from being started as a service by its package.
  const variables = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1']
  const prefix = [...(root ? [] : ['sudo', '-n']), ...variables, 'apt-get']
  const updated = run([...prefix, 'update', ...options])
  const install = [...prefix, 'install', '--yes', '--no-install-recommends', ...options]
  const complaints = new Map(
    names.map((name) => [name, run([...install, ...(APT_PACKAGES[name] ?? [])])]),
  )
  return (name) => complaints.get(name) ?? updated ?? 'apt installed it, yet it does not run'
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
export function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore', env: { ...process.env, PATH } }).status === 0
}

/**
 * @param {readonly string[]} command
 * @param {Readonly<Record<string, string>>} [env]
 * @returns {string | undefined} the last thing it said, if it failed
 */
export function run([command = '', ...args], env) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  })
  if (status === 0) return undefined
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`.split('\n').filter((line) => line.trim())
  const telling = lines.filter((line) => /^(E|ERROR|error)\b/.test(line))
  return (telling.at(-1) ?? lines.at(-1) ?? error?.message ?? `${command} failed`).trim()
}

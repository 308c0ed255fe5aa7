/**
 * The peers: brought to `.cache/` by the package managers of their languages, where those are here.
 *
 * @module
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildTusd, TUSD, TUSD_VERSION } from '../scripts/built-parts.mjs'
import { run } from '../scripts/programs.mjs'
import { ROOT } from '../scripts/suites.mjs'

const CACHE = join(ROOT, '.cache', 'bench')
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))
const RUSTUS_VERSION = '0.5.10'
const VENV = join(CACHE, 'venv')

export const VENV_PYTHON = join(VENV, 'bin', 'python')
export const RUSTUS = join(CACHE, `rustus-${RUSTUS_VERSION}`, 'bin', 'rustus')

/**
 * @typedef {object} Peer
 * @property {() => boolean} isHere
 * @property {(say: (line: string) => void) => string | undefined} bring gives the reason when it cannot
 * @property {() => string} version
 */

/** @type {Readonly<Record<string, Peer>>} */
export const PEERS = {
  tusd: {
    isHere: () => existsSync(TUSD),
    bring: buildTusd,
    version: () => TUSD_VERSION,
  },
  rustus: {
    isHere: () => existsSync(RUSTUS),
    bring: (say) => {
      say(`building rustus ${RUSTUS_VERSION} with cargo, which takes minutes`)
      const from = ['rustus', '--locked', '--version', RUSTUS_VERSION]
      return run(['cargo', 'install', ...from, '--root', join(RUSTUS, '..', '..')])
    },
    version: () => RUSTUS_VERSION,
  },
  '@tus/server': {
    isHere: () => existsSync(join(ROOT, 'node_modules', '@tus', 'server')),
    bring: () => 'npm has not installed it',
    version: () => {
      const path = join(ROOT, 'node_modules', '@tus', 'server', 'package.json')
      return JSON.parse(readFileSync(path, 'utf8')).version
    },
  },
  'Python tussi': {
    isHere: () => readIfThere(join(VENV, 'installed.txt')) === readFileSync(REQUIREMENTS, 'utf8'),
    bring: (say) => {
      say('making a Python environment in .cache/bench/venv')
      rmSync(VENV, { recursive: true, force: true })
      const complaint =
        run(['python3', '-m', 'venv', VENV]) ??
        run([VENV_PYTHON, '-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS])
      if (complaint === undefined) {
        writeFileSync(join(VENV, 'installed.txt'), readFileSync(REQUIREMENTS))
      }
      return complaint
    },
    version: () => readFileSync(REQUIREMENTS, 'utf8').match(/^tussi==(.*)$/m)?.[1] ?? '',
  },
}

/** @param {string} path */
function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

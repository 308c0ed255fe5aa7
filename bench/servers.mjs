/**
 * The one table of servers that are compared, ours first, each with the settings that are best for
 * it, and what it does not do that ours does.
 *
 * @module
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TUSD } from '../scripts/built-parts.mjs'
import { ROOT } from '../scripts/suites.mjs'
import { RUSTUS, VENV_PYTHON } from './peers.mjs'

/**
 * @typedef {object} Place
 * @property {string} directory
 * @property {number} port
 * @property {boolean} fsync
 */

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} path where uploads are created
 * @property {string} lacks what it leaves out of the work that ours does
 * @property {string} [lacksSync] the same where fsync is asked for
 * @property {string} [cores] where it runs, the first one by default
 * @property {(place: Place) => string[]} command
 */

/** @type {Server} */
export const OURS = {
  name: 'tussi',
  path: '/files/',
  lacks: '',
  command: ({ directory, port, fsync }) => [
    ...[process.execPath, join(ROOT, 'dist', 'cli', 'server-main.js'), '--yes'],
    ...['--port', `${port}`, '--workers', '0', ...(fsync ? [] : ['--no-fsync'])],
    ...['--upload-dir', below(directory, 'uploads')],
    ...['--completed-dir', below(directory, 'completed')],
  ],
}

/** @type {readonly Server[]} */
export const SERVERS = [
  OURS,
  {
    name: 'tussi as a listener',
    path: '/files/',
    lacks: '',
    command: ({ directory, port, fsync }) => [
      ...[process.execPath, script('tussi-listener.mjs'), `${port}`, directory],
      fsync ? 'fsync' : 'no-fsync',
    ],
  },
  {
    name: 'tusd',
    path: '/files/',
    lacks: 'no queue, no space reserved',
    lacksSync: 'does not sync',
    command: ({ directory, port }) => [
      ...[TUSD, '-host', '127.0.0.1', '-port', `${port}`, '-upload-dir', directory],
      ...['-base-path', '/files/', '-verbose=false', '-show-greeting=false'],
      ...['-show-startup-logs=false', '-expose-metrics=false', '-hooks-enabled-events='],
    ],
  },
  {
    name: 'rustus',
    path: '/files',
    lacks: 'no locks, no queue, no space reserved',
    lacksSync: 'syncs no record',
    command: ({ directory, port, fsync }) => [
      ...[RUSTUS, '--host', '127.0.0.1', '--port', `${port}`, '--url', '/files'],
      ...['--workers', '1', '--log-level', 'ERROR', '--data-dir', directory],
      ...['--info-dir', below(directory, 'info'), '--force-fsync', `${fsync}`],
      ...['--max-body-size', `${2 ** 30}`],
    ],
  },
  {
    name: '@tus/server',
    path: '/files',
    lacks: 'locks in one process only, no queue, no space reserved',
    lacksSync: 'does not sync',
    command: ({ directory, port }) => [
      ...[process.execPath, script('tus-node-server.mjs'), `${port}`, directory],
    ],
  },
  {
    name: 'Python tussi',
    path: '/',
    lacks: '',
    lacksSync: 'syncs the data, not records or directories',
    command: ({ directory, port, fsync }) => {
      below(directory, 'uploads')
      below(directory, 'completed')
      const flag = fsync ? 'fsync' : 'no-fsync'
      return [VENV_PYTHON, script('python_tussi.py'), `${port}`, directory, flag]
    },
  },
]

/** @param {string} name */
function script(name) {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url))
}

/**
 * @param {string} directory
 * @param {string} name
 */
function below(directory, name) {
  const path = join(directory, name)
  mkdirSync(path, { recursive: true })
  return path
}

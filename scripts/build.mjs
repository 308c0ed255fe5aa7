/**
 * `npm run build`: compiles `src/` into `dist/`, whole or not at all.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Tells whether `dist/` is at least as new as everything it is made of. Folders count too: their
 * time changes when a file in them goes away.
 *
 * @param {string} root
 * @returns {boolean}
 */
export function distIsCurrent(root) {
  const built = statSync(join(root, 'dist', 'index.js'), { throwIfNoEntry: false })?.mtimeMs
  if (built === undefined) return false
  const configuration = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    join('scripts', 'build.mjs'),
  ]
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  return [...configuration, 'src', ...sources.map((path) => join('src', path))].every(
    (path) => statSync(join(root, path)).mtimeMs <= built,
  )
}

/**
 * Compiles beside `dist/` and swaps, so that whoever finds a `dist/` finds a complete one.
 *
 * @param {string} root
 * @throws Error with the compiler's messages
 */
export function build(root) {
  const startedAt = new Date()
  const fresh = join(root, `dist.${process.pid}`)
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  try {
    const { status, error, stdout, stderr } = spawnSync(
      process.execPath,
      [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh],
      { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    )
    if (error) throw error
    if (status !== 0) throw new Error(`${stdout}${stderr}`.trim())
    for (const command of commands(root)) chmodSync(join(fresh, relative('dist', command)), 0o755)
    // A source that changed while the compiler ran is newer than this, so the next look sees it.
    utimesSync(join(fresh, 'index.js'), startedAt, startedAt)
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    renameSync(fresh, join(root, 'dist'))
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/**
 * What `npx` runs. It makes these files executable where it sees them first, and not again after a build.
 *
 * @param {string} root
 * @returns {string[]}
 */
function commands(root) {
  return Object.values(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).bin)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build(fileURLToPath(new URL('..', import.meta.url)))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

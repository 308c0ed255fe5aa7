/**
 * `npm start`: installs and builds what is missing or stale, then becomes `tussi-server`. The server
 * runs in this very process, so that signals and the terminal are its own.
 *
 * @module
 */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describeOldNode } from './node-version.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** @param {string} line */
function say(line) {
  process.stderr.write(`tussi: ${line}\n`)
}

async function prepare() {
  const tooOld = describeOldNode()
  if (tooOld) throw new Error(tooOld)
  const { installPackages } = await import('./install.mjs')
  const { build, distIsCurrent } = await import('./build.mjs')
  installPackages(ROOT, say)
  if (distIsCurrent(ROOT)) return
  say('building')
  try {
    build(ROOT)
  } catch (error) {
    const [first] = String(error instanceof Error ? error.message : error).split('\n')
    throw new Error(`could not build (npm run build tells more): ${first}`)
  }
}

try {
  await prepare()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

const server = fileURLToPath(new URL('../dist/cli/server-main.js', import.meta.url))
// With several processes the server starts more of what runs here, and that is not this script.
process.argv[1] = server
await import(pathToFileURL(server).href)

/**
 * `npm run bench`: ours and its peers under the same load, then what ours costs as things grow.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { dirname } from 'node:path'
import { build, distIsCurrent } from '../scripts/build.mjs'
import { installPackages } from '../scripts/install.mjs'
import { ROOT } from '../scripts/suites.mjs'
import { drawChart } from './chart.mjs'
import { compare } from './compare.mjs'
import { HELP, readFlags } from './flags.mjs'
import { formatFigures, GROWTHS, measureFigures } from './growth.mjs'
import { PEERS } from './peers.mjs'
import { SCENARIOS } from './scenarios.mjs'
import { OURS, SERVERS } from './servers.mjs'
import { PINNED } from './start.mjs'
import { formatComparison } from './table.mjs'

/** @typedef {import('./flags.mjs').Flags} Flags */

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`)
}

/**
 * Ours and those peers that are here or can be brought. `--quick` brings none.
 *
 * @param {Flags} flags
 */
function bringServers({ peers, quick }) {
  return SERVERS.filter(({ name }) => {
    const peer = PEERS[name]
    if (!peer) return true
    if (peers && !peers.includes(name)) return false
    const complaint = peer.isHere() ? undefined : quick && !peers ? 'not here' : peer.bring(say)
    say(complaint === undefined ? `${name} ${peer.version()}` : `without ${name}: ${complaint}`)
    return complaint === undefined
  })
}

/** @param {Flags} flags */
async function run(flags) {
  installPackages(ROOT, say)
  if (!distIsCurrent(ROOT)) build(ROOT)
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}`
  say(`${machine}, Node.js ${process.versions.node}`)
  if (!PINNED) say('server and load share their cores: one core only, or no taskset')
  const servers = bringServers(flags).map((server) => ({ server }))
  const comparisons = []
  for (const scenario of SCENARIOS) {
    for (const where of placesOf(scenario, flags)) {
      const comparison = await compare(scenario, where, servers, flags)
      comparisons.push(comparison)
      say(`\n${formatComparison(comparison)}`)
    }
  }
  const growth = []
  for (const { name, scenario, contenders } of GROWTHS.comparisons) {
    const [where = 'tmpfs'] = scenario.on
    if (!flags.wants(name, where)) continue
    const comparison = await compare(scenario, where, contenders(flags.quick), flags)
    growth.push(comparison)
    say(`\n${formatComparison(comparison)}`)
  }
  for (const figures of GROWTHS.figures) {
    if (!flags.wants(figures.name, 'tmpfs')) continue
    const measured = measureFigures(figures, flags.quick)
    growth.push({ name: figures.name, what: figures.what, figures: measured })
    say(`\n${formatFigures(figures, measured)}`)
  }
  const date = new Date().toISOString()
  if (flags.json)
    write(flags.json, `${JSON.stringify({ date, machine, comparisons, growth }, null, 2)}\n`)
  if (flags.svg) write(flags.svg, drawChart(comparisons, OURS.name))
  const failed = comparisons.filter(({ leftOut }) => leftOut.some((x) => x.startsWith(OURS.name)))
  return failed.map(({ name, where }) => `${name} on ${where}`)
}

/**
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {Flags} flags
 */
function placesOf({ name, on }, { wants, quick, on: asked }) {
  const places = on.filter((where) => wants(name, where))
  return quick && !asked ? places.slice(0, 1) : places
}

/**
 * @param {string} path
 * @param {string} text
 */
function write(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  say(`written to ${path}`)
}

try {
  const flags = readFlags()
  if (flags.help) say(HELP)
  else {
    const failed = await run(flags)
    if (failed.length > 0) throw new Error(`tussi could not do ${failed.join(', ')}`)
  }
} catch (error) {
  process.stderr.write(`npm run bench: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

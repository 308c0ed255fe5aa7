/**
 * `npm run soak`: the fault suites at the length that finds what is rare. The same tests as in
 * `npm test`, only longer.
 *
 * @module
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeOldNode } from './node-version.mjs'
import { listRuns, ROOT } from './suites.mjs'

/**
 * A file of `test/faults/`, what makes it long, how long that is, and the minutes it may take.
 *
 * @typedef {{ name: string, variable: string, amount: number, minutes: number, what: string }} Soak
 */

/** @type {readonly (readonly [string, string, number, number, string])[]} */
const TABLE = [
  ['kills', 'TUSSI_KILLS', 1000, 40, 'kills with fsync, without, and of one of three processes'],
  ['workers', 'TUSSI_UPLOADS', 5000, 10, 'uploads for 8 workers that are killed'],
  ['model', 'TUSSI_WALKS', 500, 15, 'random walks'],
  ['power-loss', 'TUSSI_CUTS', 3000, 15, 'losses of power'],
  ['network', 'TUSSI_NETWORK_UPLOADS', 40, 20, 'uploads for each of the clients'],
  ['stalled', 'TUSSI_STALLED', 2000, 5, 'stalled uploads'],
  ['fuzz', 'TUSSI_REQUESTS', 100_000, 30, 'broken requests'],
  ['soak', 'TUSSI_SOAK_SECONDS', 1800, 35, 'seconds of mixed load'],
]

/** @type {readonly Soak[]} */
const SOAKS = TABLE.map(([name, variable, amount, minutes, what]) => {
  return { name, variable, amount, minutes, what }
})

const HELP = `npm run soak [-- FLAGS]   the fault suites at full length, in about 75 minutes

  --only NAME    only this one; may be given again: ${SOAKS.map(({ name }) => name).join(', ')}
  --scale F      so much of the full length, 1 by default
  --seed N       another seed: each failure names the one it had
  --help         this text

The last line is: N passed, N failed`

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`)
}

function readFlags() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      scale: { type: 'string', default: '1' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const { only } = values
  const unknown = only?.find((wanted) => !SOAKS.some(({ name }) => name === wanted))
  if (unknown !== undefined) throw new Error(`there is no soak ${unknown}; --help shows them`)
  const scale = Number(values.scale)
  if (!(scale > 0)) throw new Error(`--scale must be a number above 0, got ${values.scale}`)
  const { seed } = values
  if (seed !== undefined && !/^\d{1,9}$/.test(seed)) {
    throw new Error(`--seed must be a whole number of up to nine digits, got ${seed}`)
  }
  const soaks = SOAKS.filter(({ name }) => !only || only.includes(name))
  return { soaks, scale, seed, help: values.help }
}

/**
 * @param {{ soaks: readonly Soak[], scale: number, seed: string | undefined }} flags
 * @param {AbortSignal} signal
 */
async function runAll({ soaks, scale, seed }, signal) {
  const { installPackages } = await import('./install.mjs')
  const { build } = await import('./build.mjs')
  const { bringRealParts, environmentOf } = await import('./real-parts.mjs')
  const { runSuite } = await import('./run-suite.mjs')
  installPackages(ROOT, say)
  build(ROOT)
  const run = listRuns().find(({ name }) => name === 'faults')
  if (!run) throw new Error('there is no suite faults')
  const reason = bringRealParts([run], say)(run)
  if (reason !== undefined) throw new Error(reason)
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const total = { passed: 0, failed: 0 }
  /** @type {string[]} */
  const summary = []
  for (const { name, variable, amount, minutes, what } of soaks) {
    if (signal.aborted) break
    const length = Math.max(1, Math.round(amount * scale))
    say(`\n=== ${name}: ${length} ${what}`)
    const { passed, failed, seconds, complaints } = await runSuite({
      node: process.execPath,
      args: (report) => [
        ...[vitest, 'run', '--project', 'faults', `test/faults/${name}.test.ts`],
        ...['--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`],
      ],
      env: {
        ...environmentOf(run),
        [variable]: `${length}`,
        ...(seed !== undefined && { TUSSI_SEED: seed }),
      },
      cwd: ROOT,
      budgetSeconds: minutes * 60,
      signal,
    })
    for (const complaint of complaints) say(`SOAK FAILED ${name}: ${complaint}`)
    total.passed += passed
    total.failed += failed
    const result = failed > 0 ? 'FAIL' : 'ok  '
    summary.push(`${result} ${name.padEnd(12)} ${length} ${what}, ${Math.round(seconds)} s`)
  }
  say(`\n${summary.join('\n')}\n`)
  if (signal.aborted) throw new Error(`ended by ${signal.reason}`)
  return total
}

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => interrupt.abort(signal))
}

try {
  const tooOld = describeOldNode()
  if (tooOld) throw new Error(tooOld)
  const flags = readFlags()
  if (flags.help) say(HELP)
  else {
    const { passed, failed } = await runAll(flags, interrupt.signal)
    say(`${passed} passed, ${failed} failed`)
    process.exitCode = failed > 0 ? 1 : 0
  }
} catch (error) {
  process.stderr.write(`npm run soak: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}

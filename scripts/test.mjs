/**
 * `npm test`: brings what the suites need, builds, runs every suite, and says what it could not run.
 *
 * @module
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeOldNode } from './node-version.mjs'
import { foldersWithoutSuite, listRuns, ROOT } from './suites.mjs'

/** @typedef {import('./suites.mjs').Run} Run */

const HELP = `npm test [-- FLAGS]   install what is missing, build, run the suites

  --suite NAME   only this suite; may be given again (see --list)
  --strict       a suite that cannot run counts as failed; CI=true does the same
  --list         the suites, their budgets, and what they prove
  --help         this text

The last line is: N passed, N failed, N skipped`

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`)
}

/** @returns {{ runs: Run[], strict: boolean } | undefined} undefined when there is nothing to run */
function readFlags() {
  const { values } = parseArgs({
    options: {
      suite: { type: 'string', multiple: true },
      strict: { type: 'boolean', default: ['true', '1'].includes(process.env.CI ?? '') },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const all = listRuns()
  if (values.help) {
    say(HELP)
    return undefined
  }
  if (values.list) {
    for (const { name, suite } of all) {
      say(`${name.padEnd(16)} ${`${suite.budgetSeconds} s`.padStart(5)}   ${suite.proves}`)
    }
    return undefined
  }
  const named = values.suite
  const unknown = named?.find((name) => !all.some((run) => run.name === name))
  if (unknown !== undefined) throw new Error(`there is no suite ${unknown}; --list shows them`)
  const runs = named ? all.filter((run) => named.includes(run.name)) : all
  return { runs, strict: values.strict }
}

/**
 * Installs and builds, with the packages that are there only afterwards.
 *
 * @param {readonly Run[]} runs
 */
async function prepare(runs) {
  const tooOld = describeOldNode()
  if (tooOld) throw new Error(tooOld)
  const folders = foldersWithoutSuite()
  if (folders.length > 0) {
    throw new Error(
      `no row of scripts/suites.mjs runs the tests in test/${folders.join(', test/')}`,
    )
  }
  const { installPackages } = await import('./install.mjs')
  const { build } = await import('./build.mjs')
  const { bringRealParts } = await import('./real-parts.mjs')
  installPackages(ROOT, say)
  say('building')
  build(ROOT)
  return bringRealParts(runs, say)
}

/**
 * @param {Run} run
 * @param {AbortSignal} signal
 */
async function start(run, signal) {
  const { environmentOf, nodeOf } = await import('./real-parts.mjs')
  const { runSuite } = await import('./run-suite.mjs')
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  return runSuite({
    node: nodeOf(run),
    args: (report) => [
      ...[vitest, 'run', '--project', run.suite.name],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ],
    env: environmentOf(run),
    cwd: ROOT,
    budgetSeconds: run.suite.budgetSeconds,
    signal,
  })
}

/**
 * @param {readonly Run[]} runs
 * @param {boolean} strict
 * @param {AbortSignal} signal
 */
async function runAll(runs, strict, signal) {
  const whyNot = await prepare(runs)
  const total = { passed: 0, failed: 0, skipped: 0 }
  /** @type {string[]} */
  const summary = []
  for (const run of runs) {
    if (signal.aborted) {
      total.failed += 1
      summary.push(`FAIL ${signal.reason} ended the run before ${run.name}`)
      break
    }
    const { name, suite } = run
    const reason = whyNot(run)
    if (reason !== undefined) {
      total[strict ? 'failed' : 'skipped'] += 1
      summary.push(`SUITE NOT RUN ${name}: ${reason}`)
      say(`\n${summary.at(-1)}`)
      continue
    }
    say(`\n=== ${name}: ${suite.proves}`)
    const { passed, failed, skipped, seconds, complaints } = await start(run, signal)
    total.passed += passed
    total.failed += failed
    total.skipped += skipped
    const time = `${seconds.toFixed(1)} s of ${suite.budgetSeconds} s`
    const late = seconds > suite.budgetSeconds ? ', OVER ITS BUDGET' : ''
    for (const complaint of complaints) say(`SUITE FAILED ${name}: ${complaint}`)
    summary.push(
      `${failed > 0 ? 'FAIL' : 'ok  '} ${name.padEnd(16)} ${passed} passed, ${failed} failed, ` +
        `${skipped} skipped   ${time}${late}`,
      ...complaints.map((complaint) => `     ${name}: ${complaint}`),
    )
  }
  say(`\n${summary.join('\n')}\n`)
  return total
}

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => interrupt.abort(signal))
}

let flags
try {
  flags = readFlags()
} catch (error) {
  process.stderr.write(`npm test: ${error instanceof Error ? error.message : error}\n`)
  process.exit(2)
}
if (flags) {
  const { runs, strict } = flags
  const { passed, failed, skipped } = await runAll(runs, strict, interrupt.signal).catch(
    (error) => {
      say(`npm test: ${error instanceof Error ? error.message : error}\n`)
      return { passed: 0, failed: 1, skipped: 0 }
    },
  )
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = failed > 0 ? 1 : 0
}

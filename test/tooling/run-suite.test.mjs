import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runSuite } from '../../scripts/run-suite.mjs'

/** @type {string} */
let folder

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tussi-run-suite-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/**
 * Runs a program in place of vitest; it knows `report`, the path it writes to.
 *
 * @param {string} program
 * @param {{ budgetSeconds?: number, graceMs?: number, signal?: AbortSignal }} [options]
 */
async function run(program, { budgetSeconds = 5, ...options } = {}) {
  const path = join(folder, 'suite.cjs')
  const setUp = "const { writeFileSync } = require('node:fs')\nconst report = process.argv[2]\n"
  await writeFile(path, setUp + program)
  return runSuite({
    node: process.execPath,
    args: (report) => [path, report],
    env: process.env,
    cwd: folder,
    budgetSeconds,
    ...options,
  })
}

/**
 * @param {Record<string, unknown>} report
 * @param {number} [code]
 */
function reporting(report, code = 0) {
  const empty = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
  const text = JSON.stringify({ ...empty, testResults: [], ...report })
  return `writeFileSync(report, ${JSON.stringify(text)}); process.exitCode = ${code}\n`
}

describe('runSuite', () => {
  it('counts what the report says', async () => {
    const report = { numPassedTests: 3, numPendingTests: 1, numTodoTests: 1 }
    expect(await run(reporting(report))).toMatchObject({
      passed: 3,
      failed: 0,
      skipped: 2,
      complaints: [],
    })
  })

  it('counts failed tests without a further complaint', async () => {
    const outcome = await run(reporting({ numPassedTests: 3, numFailedTests: 2 }, 1))
    expect(outcome).toMatchObject({ passed: 3, failed: 2, complaints: [] })
  })

  it('counts a file that broke before its tests', async () => {
    const testResults = [{ status: 'failed', assertionResults: [] }]
    const outcome = await run(reporting({ numPassedTests: 3, testResults }, 1))
    expect(outcome).toMatchObject({ passed: 3, failed: 1, complaints: [] })
  })

  it('counts a suite without tests as failed', async () => {
    expect(await run(reporting({}))).toMatchObject({ failed: 1, complaints: ['ran no test'] })
  })

  it('counts an unhandled error as failed', async () => {
    const outcome = await run(reporting({ numPassedTests: 3 }, 1))
    expect(outcome.failed).toBe(1)
    expect(outcome.complaints).toEqual(['ended with exit code 1 though no test failed'])
  })

  it('counts a suite that wrote no report as failed', async () => {
    const outcome = await run('process.exitCode = 7')
    expect(outcome.failed).toBe(1)
    expect(outcome.complaints).toEqual(['ended with exit code 7 and without a report'])
  })

  it('counts a crash as failed', async () => {
    const outcome = await run("process.kill(process.pid, 'SIGKILL')")
    expect(outcome).toMatchObject({ failed: 1, complaints: ['crashed with SIGKILL'] })
  })

  it('kills a suite after three times its budget', async () => {
    const outcome = await run('setInterval(() => {}, 1000)', { budgetSeconds: 0.1 })
    expect(outcome.failed).toBe(1)
    expect(outcome.complaints[0]).toContain('three times its budget')
  })

  it('kills processes that a suite leaves behind, and counts that as failed', async () => {
    const stray =
      "require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' }).unref()\n"
    const outcome = await run(stray + reporting({ numPassedTests: 1 }), { graceMs: 200 })
    expect(outcome).toMatchObject({ passed: 1, failed: 1 })
    expect(outcome.complaints).toEqual(['left processes behind, which were killed'])
  })

  it('ends a suite when it is told to', async () => {
    const signal = AbortSignal.timeout(100)
    const outcome = await run('setInterval(() => {}, 1000)', { signal })
    expect(outcome).toMatchObject({ failed: 1, complaints: ['interrupted'] })
  })
})

/**
 * Runs one suite in a process of its own and counts.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 *
 * @typedef {object} Command
 * @property {string} node the Node.js to use
 * @property {(report: string) => readonly string[]} args what it runs, given where its report goes
 * @property {NodeJS.ProcessEnv} env
 * @property {string} cwd
 * @property {number} budgetSeconds
 * @property {AbortSignal} [signal] ends the suite
 * @property {number} [graceMs] how long its processes may take to leave
 *
 * @typedef {Counts & { seconds: number, complaints: string[] }} Outcome
 */

/**
 * Runs a suite to its end. A suite that crashes, hangs, runs nothing, ends with an unhandled error or
 * leaves processes behind has a complaint, and each complaint counts as one failure more.
 *
 * @param {Command} command
 * @returns {Promise<Outcome>}
 */
export async function runSuite({ node, args, env, cwd, budgetSeconds, signal, graceMs = 5_000 }) {
  const folder = mkdtempSync(join(tmpdir(), 'tussi-report-'))
  const report = join(folder, 'report.json')
  const startedAt = performance.now()
  try {
    const child = spawn(node, args(report), {
      cwd,
      env,
      // A process group of its own, so that what the suite leaves behind can be seen and ended.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const end = await untilExit(child, { limitMs: budgetSeconds * 3_000, signal, graceMs })
    const stray = await endGroup(child.pid, graceMs)
    const { counts, complaint } = readReport(report, end.code)
    const complaints = [end.complaint ?? complaint, stray].filter((line) => line !== undefined)
    return {
      ...counts,
      failed: counts.failed + complaints.length,
      seconds: (performance.now() - startedAt) / 1_000,
      complaints,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {{ limitMs: number, graceMs: number, signal: AbortSignal | undefined }} limits
 * @returns {Promise<{ code?: number, complaint?: string }>}
 */
async function untilExit(child, { limitMs, graceMs, signal }) {
  /** @type {string | undefined} */
  let complaint
  const end = (/** @type {string} */ reason) => {
    complaint = reason
    signalGroup(child.pid, 'SIGTERM')
    delay(graceMs, undefined, { ref: false }).then(() => child.kill('SIGKILL'))
  }
  const interrupt = () => end('interrupted')
  const limit = `killed after ${limitMs / 1_000} s, three times its budget`
  const timer = setTimeout(() => end(limit), limitMs)
  signal?.addEventListener('abort', interrupt)
  if (signal?.aborted) interrupt()
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve({ complaint: `did not start: ${error.message}` }))
      child.once('exit', (code, killedBy) => {
        if (complaint) resolve({ complaint })
        else if (killedBy) resolve({ complaint: `crashed with ${killedBy}` })
        else resolve({ code: code ?? 0 })
      })
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', interrupt)
  }
}

/**
 * Waits until the processes of a group have left, and ends those that do not.
 *
 * @param {number | undefined} group
 * @param {number} graceMs
 * @returns {Promise<string | undefined>} a complaint
 */
async function endGroup(group, graceMs) {
  for (const deadline = Date.now() + graceMs; signalGroup(group, 0); await delay(50)) {
    if (Date.now() < deadline) continue
    signalGroup(group, 'SIGKILL')
    return 'left processes behind, which were killed'
  }
  return undefined
}

/**
 * @param {number | undefined} group
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether anybody was there
 */
function signalGroup(group, signal) {
  try {
    return group !== undefined && process.kill(-group, signal)
  } catch {
    return false
  }
}

/**
 * @param {string} path
 * @param {number | undefined} code the exit code
 * @returns {{ counts: Counts, complaint?: string }}
 */
function readReport(path, code) {
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    return { counts, complaint: `ended with exit code ${code} and without a report` }
  }
  const counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles(report).length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
  if (counts.failed > 0) return { counts }
  if (code !== 0) return { counts, complaint: `ended with exit code ${code} though no test failed` }
  if (counts.passed === 0) return { counts, complaint: 'ran no test' }
  return { counts }
}

/**
 * Files that failed before or beside their tests: a bad import, a failing hook.
 *
 * @param {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} report
 */
function brokenFiles(report) {
  return report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
  )
}

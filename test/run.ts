/** Child processes of a test: run to the end, or running until the test ends. @module */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'

/** What no process may ever complain of. */
const NEVER = /unhandled|uncaught|MaxListenersExceeded|closing file descriptor|TimeoutNegative/i

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: Child
  stdout(): string
  stderr(): string
  /** Resolves with the first match in what it printed. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<Run>
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Run>
}

export interface RunOptions {
  /** It is a test run that has to fail, and may do so in every way. @defaultValue false */
  readonly mayComplain?: boolean
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a program; it is killed at the end of the test if it is still there. */
export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  }) as Child
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close').then(([code, signal]): Run => ({ code, signal, ...output }))
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
    if (!options.mayComplain) expect(output.stderr).not.toMatch(NEVER)
  })
  const all = (): string => output.stdout + output.stderr
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    async until(pattern) {
      const deadline = Date.now() + 20_000
      for (;;) {
        const match = pattern.exec(all())
        if (match) return match
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`${command} ended without ${pattern}: ${all()}`)
        }
        if (Date.now() > deadline) throw new Error(`${command} did not print ${pattern}: ${all()}`)
        await delay(10)
      }
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], options?: RunOptions): Promise<Run> {
  const running = start(command, args, options)
  running.child.stdin.end()
  return running.ended
}

/** The value of a variable that the suite cannot do without. */
export function required(variable: string, what: string): string {
  const value = process.env[variable]
  if (!value) throw new Error(`${variable} must name ${what}; npm test sets it`)
  return value
}

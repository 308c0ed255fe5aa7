/** Several server processes on one port: the first starts them, and again when one dies. @module */
import cluster, { type Worker } from 'node:cluster'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../index.ts'
import type { ServerArgs } from './server-args.ts'

/** The first wait before a process that died is started again; it doubles up to the last. */
const RESTART_MS = { first: 200, last: 10_000 } as const
/** A process that ran this long has done well: its next start does not wait. */
const HEALTHY_MS = 30_000

const ARGS_VARIABLE = 'TUSSI_SERVER_ARGS'

/** What a child process is told. */
interface Child {
  readonly args: ServerArgs
  readonly first: boolean
  /** What prevents the start is said by the first child alone: the others fail for the same reason. */
  readonly quiet: boolean
}

/** What this child process was told, `undefined` in the first process. */
export function childArgs(): Child | undefined {
  const text = process.env[ARGS_VARIABLE]
  return cluster.isWorker && text !== undefined ? JSON.parse(text) : undefined
}

/** A child whose first process has died has nobody to listen for: it ends, and leaves no trace. */
export function endWithFirstProcess(): void {
  // Node ends a child whose channel is closed; one that writes before it has noticed gets an error.
  cluster.worker?.on('error', () => process.exit(1))
}

/** Tells the first process that this child listens. */
export function reportListening(url: string): void {
  process.send?.({ url })
}

/**
 * Runs the children until `signal` fires, then resolves once they have ended. When the first child
 * cannot start, resolves with its exit code; it has said why.
 */
export async function superviseProcesses(
  args: ServerArgs,
  options: {
    readonly signal: AbortSignal
    readonly logger: Logger
    readonly onListening: (url: string) => void
  },
): Promise<number> {
  const { logger, onListening } = options
  const failure = new AbortController()
  const signal = AbortSignal.any([options.signal, failure.signal])
  // The other policy hands connections on by messages: one that a dying child has not answered is
  // held by the first process without end, and so is its client.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  const children = new Set<Worker>()
  let announced = false
  let exitCode: number | null = 0
  const run = async (first: boolean): Promise<void> => {
    let wait: number = RESTART_MS.first
    while (!signal.aborted) {
      const started = Date.now()
      const told: Child = { args, first, quiet: !first && !announced }
      const child = cluster.fork({ [ARGS_VARIABLE]: JSON.stringify(told) })
      children.add(child)
      child.on('message', ({ url }: { url?: string }) => {
        if (!announced && url !== undefined) onListening(url)
        announced = true
      })
      const code = await ended(child)
      children.delete(child)
      if (signal.aborted) return
      if (announced) logger.error('a server process ended and is started again', { code, wait })
      else if (first) {
        exitCode = code
        failure.abort()
      }
      wait =
        Date.now() - started > HEALTHY_MS ? RESTART_MS.first : Math.min(wait * 2, RESTART_MS.last)
      await delay(wait, undefined, { signal }).catch(() => undefined)
    }
  }
  const stop = (): void => {
    for (const child of children) child.process.kill('SIGTERM')
  }
  signal.addEventListener('abort', stop)
  await Promise.all(Array.from({ length: args.processes }, (_, i) => run(i === 0)))
  if (exitCode === null) throw new Error('the first server process was killed')
  return exitCode
}

/** Resolves with the exit code, `null` after a signal. */
function ended(child: Worker): Promise<number | null> {
  return new Promise((resolve) => {
    child.on('exit', (code) => resolve(code))
  })
}

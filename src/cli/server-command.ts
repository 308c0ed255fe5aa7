/** `tussi-server`. @module */
import type { Logger } from '../index.ts'
import { readVersion } from './args.ts'
import { prepareDirectories } from './prepare-directories.ts'
import { childArgs, endWithFirstProcess, reportListening, superviseProcesses } from './processes.ts'
import { type RunningServer, startServer } from './server.ts'
import {
  completeServerArgs,
  parseServerArgs,
  SERVER_DEFAULTS,
  SERVER_HELP,
  type ServerArgs,
} from './server-args.ts'
import { askServerArgs } from './server-prompts.ts'
import { stopOnSignals } from './signals.ts'

const TERM = ['SIGTERM'] as const
const BOTH = ['SIGTERM', 'SIGINT'] as const

/** Resolves with the exit code. */
export async function serverCommand(argv: readonly string[]): Promise<number> {
  const child = childArgs()
  if (child) {
    endWithFirstProcess()
    const running = runOne(child.args, child.first, reportListening)
    return child.quiet ? running.catch(() => process.exit(1)) : running
  }
  const given = parseServerArgs(argv)
  if (given.help) return print(SERVER_HELP)
  if (given.version) return print(`tussi ${readVersion()}\n`)
  const ask = process.stdin.isTTY && process.stdout.isTTY && !given.yes
  const answers = ask ? await askServerArgs(given) : fillDefaults(given)
  if (!answers) return 130
  const args = completeServerArgs(given, answers)
  await prepareDirectories(args)
  if (args.processes === 1) return runOne(args, true, (url) => announce(url, args))
  const { signal } = stopOnSignals(...BOTH)
  const onListening = (url: string): void => announce(url, args)
  return superviseProcesses(args, { signal, logger: stderrLogger, onListening })
}

async function runOne(
  args: ServerArgs,
  janitor: boolean,
  onListening: (url: string) => void,
): Promise<number> {
  // Ctrl+C reaches a whole process group; a child leaves its end to the first process.
  const { signal } = stopOnSignals(...(process.connected ? TERM : BOTH))
  if (process.connected) process.on('SIGINT', () => undefined)
  const server: RunningServer = await startServer(args, { logger: stderrLogger, janitor })
  onListening(server.url)
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  await server.close()
  // In a child the channel to the first process would keep this one alive.
  if (process.connected) process.disconnect()
  return 0
}

function announce(url: string, args: ServerArgs): void {
  const { uploadDir, completedDir, destDir, workers } = args
  process.stdout.write(
    `listening on ${url}\n` +
      `uploads in ${uploadDir}, ` +
      (workers > 0 ? `saved to ${destDir}\n` : `finished ones stay in ${completedDir}\n`),
  )
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function fillDefaults(given: ReturnType<typeof parseServerArgs>): {
  uploadDir: string
  destDir: string
  host: string
  port: number
} {
  return {
    uploadDir: given.uploadDir ?? SERVER_DEFAULTS.uploadDir,
    destDir: given.destDir ?? SERVER_DEFAULTS.destDir,
    host: given.host ?? SERVER_DEFAULTS.host,
    port: given.port ?? SERVER_DEFAULTS.port,
  }
}

const stderrLogger: Logger = {
  info: (message, fields) => log('info', message, fields),
  warn: (message, fields) => log('warn', message, fields),
  error: (message, fields) => log('error', message, fields),
}

/** One line for each message, for journals and for grep. */
function log(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${show(value)}`)
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}${rest.join('')}\n`)
}

function show(value: unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value) ?? 'undefined'
  const { cause } = value
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  return JSON.stringify(`${value.message}${because}`)
}

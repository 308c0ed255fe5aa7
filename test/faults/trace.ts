/**
 * A server's system calls, recorded by strace, and what they say of its promises: whatever an answer
 * acknowledges must have been synced before the answer left.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { straced } from './strace.ts'

const TRACED =
  'openat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,syncfs,rename,unlink'
const WRITES = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'])

/** One system call that has returned. */
export interface Call {
  readonly name: string
  /** As strace shows it. */
  readonly text: string
  /** The file behind the first argument, where that is a descriptor. */
  readonly file: string | undefined
  /** Quoted paths. */
  readonly paths: readonly string[]
}

export interface Traced {
  readonly url: string
  /** Ends the server and resolves with its calls in the order in which they returned. */
  end(): Promise<Call[]>
  kill(): Promise<unknown>
}

/** Starts a `tussi-server` whose calls are recorded. */
export async function startTraced(
  main: string,
  cwd: string,
  flags: readonly string[],
  inject: readonly string[] = [],
): Promise<Traced> {
  const output = join(cwd, 'trace')
  const traced = ['-e', 'signal=none', '-e', `trace=${TRACED}`, ...inject]
  const options = ['-y', '-s', '40', ...traced, '-o', output]
  const running = straced(cwd, options, main, ['--workers', '0', ...flags])
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  return {
    url,
    async end() {
      const { code, stderr } = await running.stop()
      if (code !== 0) throw new Error(`the traced server ended with ${code}: ${stderr}`)
      return parseTrace(await readFile(output, 'utf8'))
    },
    kill: () => running.stop('SIGKILL'),
  }
}

/** Calls that were interrupted by those of other threads are put together again. */
function parseTrace(text: string): Call[] {
  const unfinished = new Map<string, string>()
  const calls: Call[] = []
  for (const line of text.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const whole = resumed ? `${unfinished.get(pid) ?? ''}${resumed[1]}` : rest
    if (whole.endsWith('<unfinished ...>'))
      unfinished.set(pid, whole.replace(/<unfinished \.\.\.>$/, ''))
    else if (/= \d+/.test(whole)) calls.push(parseCall(whole))
  }
  return calls
}

function parseCall(text: string): Call {
  const [, name = '', file] = /^(\w+)\((?:\d+<([^>]*)>)?/.exec(text) ?? []
  const paths = [...text.matchAll(/"(\/[^"]*)"/g)].map(([, path = '']) => path)
  return { name, text, file, paths }
}

/** What was acknowledged too early, in words; empty when every answer kept its promise. */
export function findBrokenPromises(calls: readonly Call[], below: string): string[] {
  const broken: string[] = []
  const dirty = new Set<string>()
  const ours = (path: string): boolean => path.startsWith(`${below}/`)
  const lasting = (path: string): boolean => ours(path) && !path.includes('/.tussi/')
  for (const { name, text, file, paths } of calls) {
    if (WRITES.has(name) && file !== undefined && ours(file)) dirty.add(file)
    if (name === 'openat' && text.includes('O_CREAT'))
      for (const path of paths.filter(lasting)) dirty.add(dirname(path))
    if (name === 'syncfs') dirty.clear()
    if (name === 'fsync' || name === 'fdatasync') dirty.delete(file ?? '')
    if (name === 'rename') {
      const [from = '', to = ''] = paths
      if (dirty.has(from)) broken.push(`renamed before its content was synced: ${text}`)
      dirty.delete(from)
      for (const path of [from, to].filter(lasting)) dirty.add(dirname(path))
    }
    if (/"HTTP\/1\.1 20[14] /.test(text)) {
      for (const path of dirty) broken.push(`answered before ${path} was synced: ${text}`)
    }
  }
  return broken
}

/** A server's file system calls as strace has written them down, with their contents. @module */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Running } from '../run.ts'
import type { Event } from './disk.ts'
import { straced } from './strace.ts'

const RECORDED =
  'openat,write,writev,pwrite64,pwritev,ftruncate,fallocate,rename,unlink,fsync,fdatasync,syncfs'

/** The bytes of an upload: strace need not write them down. */
export type Contents = (path: string) => Buffer | undefined

export interface Recorded {
  readonly server: Running
  readonly url: string
  /** Ends the server; resolves with what happened below `cwd`, and with its answers. */
  end(contents: Contents): Promise<Event[]>
}

export async function startRecorded(
  main: string,
  cwd: string,
  flags: readonly string[],
): Promise<Recorded> {
  const output = join(cwd, 'trace')
  const options = ['-y', '-xx', '-s', '4096', '-e', 'signal=none', '-e', `trace=${RECORDED}`]
  const server = straced(cwd, [...options, '-o', output], main, ['--workers', '0', ...flags])
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  return {
    server,
    url,
    async end(contents) {
      const { code, stderr } = await server.stop()
      if (code !== 0) throw new Error(`the recorded server ended with ${code}: ${stderr}`)
      return toEvents(await readFile(output, 'utf8'), `${cwd}/`, contents)
    },
  }
}

interface Line {
  readonly text: string
  readonly began: number
}

/** Events in the order in which their calls returned. */
function toEvents(trace: string, below: string, contents: Contents): Event[] {
  const events: Event[] = []
  const unfinished = new Map<string, Line>()
  const positions = new Map<string, number>()
  for (const line of trace.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const start = resumed && unfinished.get(pid)
    const text = start ? `${start.text}${resumed[1]}` : rest
    const began = start ? start.began : events.length
    if (text.endsWith('<unfinished ...>')) {
      unfinished.set(pid, { text: text.slice(0, -'<unfinished ...>'.length), began })
      continue
    }
    const result = /= (\d+)/.exec(text.slice(text.lastIndexOf(')')))
    if (!result) continue
    const event = toEvent({ text, began }, Number(result[1]), { contents, positions })
    if (event && (event.kind === 'answer' || pathOf(event)?.startsWith(below) !== false)) {
      events.push(event)
    }
  }
  return events
}

function toEvent(
  { text, began }: Line,
  result: number,
  { contents, positions }: { contents: Contents; positions: Map<string, number> },
): Event | undefined {
  const name = /^\w+/.exec(text)?.[0] ?? ''
  const file = decode(/^\w+\(\d+<([^>]*)>/.exec(text)?.[1] ?? '').toString()
  const strings = [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => decode(hex))
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = strings
  const last = Number(/, (\d+) *\) += \d+/.exec(text)?.[1])
  switch (name) {
    case 'openat':
      return text.includes('O_CREAT') ? { kind: 'create', path: first.toString() } : undefined
    case 'pwrite64':
    case 'pwritev': {
      const bytes = contents(file)?.subarray(last, last + result)
      return bytes && { kind: 'write', path: file, at: last, bytes }
    }
    case 'write':
    case 'writev': {
      if (file.startsWith('socket:')) {
        return first.toString().startsWith('HTTP/1.1 20') ? { kind: 'answer' } : undefined
      }
      const at = positions.get(file) ?? 0
      positions.set(file, at + result)
      return { kind: 'write', path: file, at, bytes: first }
    }
    case 'ftruncate':
    case 'fallocate':
      return { kind: 'resize', path: file, length: last }
    case 'rename':
      return { kind: 'rename', from: first.toString(), to: second.toString() }
    case 'unlink':
      return { kind: 'unlink', path: first.toString() }
    case 'syncfs':
      return { kind: 'sync', path: undefined, began }
    default:
      return { kind: 'sync', path: file, began }
  }
}

function decode(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}

function pathOf(event: Event): string | undefined {
  if (event.kind === 'rename') return event.to
  return 'path' in event ? event.path : undefined
}

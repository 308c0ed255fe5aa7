/** A server in a process of its own, and what can be seen of it from outside. @module */
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SERVER } from '../cli/commands.ts'
import { type Running, start } from '../run.ts'

const SCRIPT = new URL('watched-server.mjs', import.meta.url).pathname

/** What a server holds, once garbage is collected. */
export interface Held {
  /** Bytes. */
  readonly heapUsed: number
  /** Bytes of buffers. */
  readonly external: number
  /** Sockets, timers and the like: how many of each kind. */
  readonly resources: Readonly<Record<string, number>>
  /** Of the process and of its HTTP server. */
  readonly listeners: number
  /** What they lead to, and how many of each. */
  readonly descriptors: Readonly<Record<string, number>>
}

export interface WatchedServer extends Running {
  readonly url: string
  readonly port: number
  held(): Promise<Held>
  /** Bytes of memory that the process occupies, without those of files, which come and go. */
  resident(): Promise<number>
}

/** Options of the app, `fsync` of the storage, and `http` for properties of the HTTP server. */
export type WatchedOptions = Readonly<Record<string, unknown>>

/** Starts a server on `root`; `main` may be the `tussi-server` of a mutant. */
export async function startWatched(
  root: string,
  options: WatchedOptions,
  main: string = SERVER,
): Promise<WatchedServer> {
  const dist = dirname(dirname(main))
  const args = ['--expose-gc', SCRIPT, dist, root, JSON.stringify(options)]
  const running = start(process.execPath, args)
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  let asked = 0
  return {
    ...running,
    url,
    port: Number(new URL(url).port),
    async held() {
      const number = ++asked
      running.child.stdin.write(`${number}\n`)
      const [, json = ''] = await running.until(new RegExp(`^state ${number} (.*)$`, 'm'))
      return JSON.parse(json)
    },
    async resident() {
      const status = await readFile(`/proc/${running.child.pid}/status`, 'utf8')
      return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
    },
  }
}

/** The commands as child processes. @module */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type Run, type Running, type RunOptions, run, start } from '../run.ts'

export const SERVER: string = new URL('../../dist/cli/server-main.js', import.meta.url).pathname
export const UPLOAD: string = new URL('../../dist/cli/upload-main.js', import.meta.url).pathname

export interface RunningServer extends Running {
  readonly url: string
}

/** `tussi-server` in `cwd` on a free port, unless the flags name one. */
export async function startServer(
  cwd: string,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunningServer> {
  const port = flags.includes('--port') ? [] : ['--port', '0']
  const running = start(process.execPath, [SERVER, ...port, ...flags], { cwd, ...options })
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  return { ...running, url }
}

export function server(flags: readonly string[], cwd: string): Promise<Run> {
  return run(process.execPath, [SERVER, ...flags], { cwd })
}

export function upload(flags: readonly string[], cwd: string): Promise<Run> {
  return run(process.execPath, [UPLOAD, ...flags], { cwd })
}

/** As a user whom file modes bind; root reads and writes everything. */
export function runAsNobody(argv: readonly string[], cwd: string): Promise<Run> {
  const isRoot = process.getuid?.() === 0
  const asNobody = isRoot ? ['setpriv', '--reuid', '65534', '--clear-groups'] : []
  const [command = '', ...args] = [...asNobody, process.execPath, ...argv]
  return run(command, args, { cwd })
}

export async function randomFile(path: string, length: number): Promise<string> {
  const data = randomBytes(length)
  await writeFile(path, data)
  return createHash('sha256').update(data).digest('hex')
}

/** Waits until `names` lie in the destination, each with its record. */
export async function saved(cwd: string, ...names: string[]): Promise<void> {
  const expected = names.flatMap((name) => [name, `${name}.meta`]).sort()
  const list = async (): Promise<string[]> => (await readdir(join(cwd, 'dest'))).sort()
  await expect.poll(list, { timeout: 15_000 }).toEqual(expected)
}

export async function recordOf(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(`${path}.meta`, 'utf8'))
}

type ScriptedAnswer = readonly [status: number, fields?: Readonly<Record<string, string>>]

/** A server that gives these answers, one after the other, the last one again and again. */
export async function serveScript(
  answers: Readonly<Record<string, readonly ScriptedAnswer[]>>,
  { before }: { readonly before?: () => Promise<void> } = {},
): Promise<{ readonly url: string; readonly requests: readonly string[] }> {
  const requests: string[] = []
  const server = createServer((req, res) => {
    const { method = '' } = req
    requests.push(method)
    const list = answers[method] ?? []
    const count = requests.filter((name) => name === method).length
    const [status = 500, fields = {}] = list[Math.min(count, list.length) - 1] ?? []
    req.resume().on('end', async () => {
      await before?.()
      res.writeHead(status, fields).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`, requests }
}

/** What a user must see of a failure: one line that says what, no stack trace. */
export function expectOneLine({ stderr }: Run, pattern: RegExp): void {
  expect(stderr).toMatch(pattern)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stderr).not.toMatch(/^\s+at /m)
}

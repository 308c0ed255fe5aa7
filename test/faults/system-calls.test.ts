/**
 * What an upload asks of the kernel. A call more is seen here, and whoever adds one writes down why.
 *
 * @module
 */
import { readFile, realpath, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { start } from '../run.ts'
import { createUpload, offsetOf, patch, TUS, temporaryDirectory } from '../serve.ts'

const SCRIPT = new URL('watched-server.mjs', import.meta.url).pathname
const TMPFS = 0x01021994
const BODY = Buffer.alloc(4096, 'x')

/** Does something so many times, to uploads at `url`. */
type Act = (url: string, times: number) => Promise<void>

/** The calls on files of the server, by name, of a server that did so many. */
async function count(act: Act, times: number, fsync: boolean): Promise<Map<string, number>> {
  const root = await realpath(await temporaryDirectory())
  const output = join(root, 'trace')
  const strace = ['-D', '-f', '-qq', '-y', '-s', '200', '-e', 'signal=none', '-o', output]
  const server = [SCRIPT, dirname(dirname(SERVER)), root, JSON.stringify({ fsync })]
  const running = start('strace', [...strace, process.execPath, ...server])
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  await act(url, times)
  const { code, stderr } = await running.stop()
  expect(code, stderr).toBe(0)
  const counts = new Map<string, number>()
  for (const line of (await readFile(output, 'utf8')).split('\n')) {
    const [, name] = /^\d+ +(\w+)\(/.exec(line) ?? []
    if (name === undefined || !/\/(uploads|completed)[/>"]/.test(line)) continue
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** What each further time costs; whatever is done once for all is in both counts. */
async function callsOf(act: Act, fsync = false): Promise<Record<string, number>> {
  const few = await count(act, 2, fsync)
  const more = await count(act, 10, fsync)
  const calls = [...more].map(([name, n]) => [name, (n - (few.get(name) ?? 0)) / 8] as const)
  return Object.fromEntries(calls.filter(([, n]) => n > 0).sort())
}

const postAndPatch: Act = async (url, times) => {
  for (let i = 0; i < times; i++) {
    const location = await createUpload(url, BODY.length)
    expect((await patch(location, 0, BODY)).status).toBe(204)
  }
}

const creationWithUpload: Act = async (url, times) => {
  const headers = {
    ...TUS,
    'Upload-Length': `${BODY.length}`,
    'Content-Type': 'application/offset+octet-stream',
  }
  for (let i = 0; i < times; i++) {
    expect((await fetch(url, { method: 'POST', headers, body: BODY })).status).toBe(201)
  }
}

const head: Act = async (url, times) => {
  const location = await createUpload(url, BODY.length)
  for (let i = 0; i < times; i++) expect(await offsetOf(location)).toBe(0)
}

/** Of a creation and of an append at the end of an upload, each in a call to an I/O thread. */
const POST_AND_PATCH = {
  close: 5,
  fallocate: 1,
  fcntl: 1,
  flock: 2,
  openat: 5,
  pwrite64: 1,
  read: 2,
  rename: 3,
  statfs: 1,
  statx: 2,
  unlink: 1,
  write: 2,
}

describe('the system calls on files', () => {
  it('of 4 KiB by POST + PATCH', async () => {
    expect(await callsOf(postAndPatch)).toEqual(POST_AND_PATCH)
  })

  it('of 4 KiB by POST + PATCH, synced: each file and each directory once a step', async () => {
    const synced = { ...POST_AND_PATCH, fdatasync: 3, fsync: 4 }
    expect(await callsOf(postAndPatch, true)).toEqual(synced)
  })

  it('of 4 KiB by creation-with-upload', async () => {
    expect(await callsOf(creationWithUpload)).toEqual({
      close: 2,
      flock: 1,
      openat: 2,
      pwrite64: 1,
      rename: 2,
      statfs: 1,
      write: 1,
    })
  })

  it('of an offset query, from memory', async () => {
    const { type } = await statfs(tmpdir())
    const read = type === TMPFS ? 'pread64' : 'preadv2'
    expect(await callsOf(head)).toEqual({ close: 2, fcntl: 1, openat2: 2, [read]: 1, statx: 2 })
  })
})

/** tus-java-client, through the program beside this file. @module */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { receive, serveWatched, storyOf, type Watched } from '../clients/watched.ts'
import { required, run } from '../run.ts'
import { sha256Of } from '../serve.ts'

const SOURCE = new URL('Send.java', import.meta.url).pathname
const STORY = ['upload-created', 'upload-completed']

let classPath: string

beforeAll(async () => {
  const archive = required('TUSSI_JAVA_CLIENT', 'the archive of tus-java-client')
  const classes = join(dirname(archive), 'classes')
  await mkdir(classes, { recursive: true })
  classPath = `${archive}:${classes}`
  await promisify(execFile)('javac', ['-cp', archive, '-d', classes, SOURCE])
})

/** Sends `data`; resolves with the offsets at which it began anew. */
async function sendByJava({ root, url }: Watched, data: Buffer): Promise<number[]> {
  const source = join(root, 'source')
  await writeFile(source, data)
  const { code, stdout, stderr } = await run('java', ['-cp', classPath, 'Send', url, source])
  if (code !== 0) throw new Error(`tus-java-client: ${stderr}`)
  expect(stdout.trim().split('\n').at(-1)).toMatch(url)
  return [...stdout.matchAll(/attempt at (\d+)/g)].map(([, offset]) => Number(offset))
}

/** Cuts the first `times` appends off after some bytes. */
function cut(server: Server, times: number, bytes: number): void {
  let left = times
  // It asks before it sends a body.
  server.on('checkContinue', (req) => {
    if (req.headers['upload-offset'] === undefined || left-- <= 0) return
    const { socket } = req
    const end = socket.bytesRead + bytes
    const watch = setInterval(() => {
      if (socket.bytesRead > end) socket.destroy()
    }, 1)
    socket.once('close', () => clearInterval(watch))
  })
}

describe('tus-java-client', () => {
  it('sends a file, 10 MiB a request', async () => {
    const served = await serveWatched()
    const data = randomBytes(25 * 2 ** 20)
    expect(await sendByJava(served, data)).toEqual([0])
    const appends = served.requests.filter(({ headers }) => headers['upload-offset'])
    expect(appends).toHaveLength(3)
    expect(await receive(served, served.root)).toEqual({
      sum: sha256Of(data),
      metadata: { filename: 'from Java' },
    })
    expect(storyOf(served.events)).toEqual({ types: STORY, bytes: data.length })
  })

  it('goes on where it was cut', async () => {
    const served = await serveWatched()
    cut(served.server, 2, 3_000_000)
    const data = randomBytes(20_000_000)
    const offsets = await sendByJava(served, data)
    expect(offsets).toHaveLength(3)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect(offsets[2]).toBeGreaterThan(4_000_000)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(data))
    expect(storyOf(served.events)).toEqual({ types: STORY, bytes: data.length })
  })
})

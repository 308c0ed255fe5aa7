/**
 * What an upload asks of V8: no hidden class of its own. An object literal that begins with a spread gets
 * new ones each time it is evaluated, by slow calls and in memory that only a full collection frees.
 *
 * @module
 */
import { once } from 'node:events'
import { readFile, realpath } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { start } from '../run.ts'
import { createUpload, patch, TUS, temporaryDirectory } from '../serve.ts'

const SCRIPT = new URL('watched-server.mjs', import.meta.url).pathname
const BODY = Buffer.alloc(4096, 'x')
/** What a request makes anew belongs to it; what the optimizing compiler makes comes now and then. */
const TIMES = 1000
const NOW_AND_THEN = 0.1

type Act = (url: string) => Promise<void>

/** Where hidden classes were made by so many requests, as `line:column property`, most often first. */
async function madeBy(act: Act): Promise<[string, number][]> {
  const root = await realpath(await temporaryDirectory())
  const log = join(root, 'v8.log')
  const flags = ['--log-maps', '--no-logfile-per-isolate', `--logfile=${log}`]
  const server = [SCRIPT, dirname(dirname(SERVER)), root, JSON.stringify({ fsync: false })]
  const running = start(process.execPath, [...flags, ...server])
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  for (let i = 0; i < TIMES; i++) await act(url)
  const before = await transitions(log)
  for (let i = 0; i < TIMES; i++) await act(url)
  const after = await transitions(log)
  await running.stop()
  const made = [...after].map(
    ([where, n]) => [where, (n - (before.get(where) ?? 0)) / TIMES] as const,
  )
  return made
    .filter(([, n]) => n > NOW_AND_THEN)
    .map(([where, n]) => [where, Math.round(n * 10) / 10])
}

async function transitions(log: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const line of (await readFile(log, 'latin1')).split('\n')) {
    const [kind, type, , , , , row, column, reason, property] = line.split(',')
    if (kind !== 'map' || type !== 'Transition') continue
    const where = `${row}:${column} ${reason} ${property}`
    counts.set(where, (counts.get(where) ?? 0) + 1)
  }
  return counts
}

describe('hidden classes are not made anew', () => {
  it('by POST + PATCH', async () => {
    const act: Act = async (url) => {
      expect((await patch(await createUpload(url, BODY.length), 0, BODY)).status).toBe(204)
    }
    expect(await madeBy(act)).toEqual([])
  })

  it('by creation-with-upload', async () => {
    const type = { 'Content-Type': 'application/offset+octet-stream' }
    const headers = { ...TUS, 'Upload-Length': `${BODY.length}`, ...type }
    const act: Act = async (url) => {
      expect((await fetch(url, { method: 'POST', headers, body: BODY })).status).toBe(201)
    }
    expect(await madeBy(act)).toEqual([])
  })

  it('by the same in the IETF protocol', async () => {
    const fields = { 'Upload-Draft-Interop-Version': '8', 'Upload-Complete': '?1' }
    const headers = { ...fields, 'Upload-Length': `${BODY.length}` }
    const act: Act = async (url) => {
      expect((await fetch(url, { method: 'POST', headers, body: BODY })).status).toBe(201)
    }
    expect(await madeBy(act)).toEqual([])
  })

  it('by an offset query', async () => {
    // After a HEAD, fetch opens another connection, for which Node makes hidden classes.
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    let location: string | undefined
    const act: Act = async (url) => {
      location ??= await createUpload(url, BODY.length)
      const [response] = await once(
        request(location, { method: 'HEAD', headers: TUS, agent }).end(),
        'response',
      )
      expect(response.resume().headers['upload-offset']).toBe('0')
      await once(response, 'end')
    }
    expect(await madeBy(act)).toEqual([])
  })
})

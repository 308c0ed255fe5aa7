/**
 * Requests that are broken in every way: the server answers no 5xx, touches no upload but those that
 * were asked for, says nothing on standard error, and holds nothing in the end.
 *
 * `TUSSI_REQUESTS` makes it longer, `TUSSI_SEED` repeats it.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { createUpload, idOf, offsetOf, patch, temporaryDirectory } from '../serve.ts'
import { attack } from './fuzz-attack.ts'
import { MAX_LENGTH, type Target } from './fuzz-requests.ts'
import { mutant } from './mutant.ts'
import { fromEnvironment, seededBytes } from './seeded.ts'
import { type Held, startWatched, type WatchedServer } from './watched-server.ts'

const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)
const REQUESTS = fromEnvironment('TUSSI_REQUESTS', 3000)
const TARGETS = 32
/** Bytes that the heap may grow by between the middle and the end. */
const HEAP_BYTES = 2 ** 20

const OPTIONS = {
  fsync: false,
  maxSize: 65_536,
  maxChunkSize: 32_768,
  maxBufferedBytes: 1_048_576,
  http: { keepAliveTimeout: 500 },
}

interface Bystanders {
  readonly paths: readonly string[]
  /** Their offsets, records and bytes. */
  state(): Promise<unknown>
}

/** Uploads that nobody has asked to change. */
async function makeBystanders({ url }: WatchedServer, root: string): Promise<Bystanders> {
  const locations: string[] = []
  for (let i = 1; i <= 4; i++) {
    const location = await createUpload(url, MAX_LENGTH, { filename: `${i}` })
    await patch(location, 0, seededBytes(i, 1000 * i))
    locations.push(location)
  }
  const stateOf = async (location: string): Promise<unknown> => {
    const path = join(root, 'uploads', idOf(location))
    const files = [await readFile(path, 'latin1'), await readFile(`${path}.meta`, 'latin1')]
    return [await offsetOf(location), ...files]
  }
  return {
    paths: locations.map((location) => new URL(location).pathname),
    state: () => Promise.all(locations.map(stateOf)),
  }
}

/** What the server holds when nobody is connected, and the last request has let go. */
async function atRest(server: WatchedServer): Promise<Held> {
  const deadline = Date.now() + 15_000
  for (let before: Held | undefined; ; ) {
    const now = await server.held()
    const same = isDeepStrictEqual(now.descriptors, before?.descriptors)
    if (same && now.resources.TCPSocketWrap === undefined) return now
    if (Date.now() > deadline) throw new Error(`it does not come to rest: ${JSON.stringify(now)}`)
    before = now
    await delay(100)
  }
}

async function makeTargets({ url }: WatchedServer): Promise<Target[]> {
  const locations = await Promise.all(
    Array.from({ length: TARGETS }, () => createUpload(url, MAX_LENGTH)),
  )
  return locations.map((location) => ({ path: new URL(location).pathname, offset: 0 }))
}

/** Attacks a server, and resolves with what is wrong in the end, in words. */
async function fuzz(requests: number, main?: string): Promise<string[]> {
  const root = await temporaryDirectory()
  const server = await startWatched(root, OPTIONS, main)
  const bystanders = await makeBystanders(server, root)
  const untouched = await bystanders.state()
  const uploads = { targets: await makeTargets(server), bystanders: bystanders.paths }
  const wrong: string[] = []
  const parts = [0, 0.1, 0.55, 1].map((part) => Math.floor(requests * part))
  const rests: Held[] = []
  for (const [i, from] of parts.slice(0, -1).entries()) {
    const range = { seed: SEED, from, to: parts[i + 1] ?? 0 }
    wrong.push(...(await attack(server.port, uploads, range)))
    try {
      rests.push(await atRest(server))
    } catch (error) {
      return [...wrong, String(error)]
    }
  }
  const [start, middle, end] = rests as [Held, Held, Held]
  if (!isDeepStrictEqual(await bystanders.state(), untouched)) wrong.push('bystanders were touched')
  for (const what of ['descriptors', 'resources', 'listeners'] as const) {
    const before = start[what]
    const after = end[what]
    if (!isDeepStrictEqual(before, after)) {
      wrong.push(`${what}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`)
    }
  }
  const grown = end.heapUsed + end.external - middle.heapUsed - middle.external
  if (grown > HEAP_BYTES) wrong.push(`the heap has grown by ${grown} bytes`)
  if (server.stderr() !== '') wrong.push(`it said ${server.stderr()}`)
  return wrong
}

it(
  `${REQUESTS} broken requests leave nothing behind`,
  async () => {
    expect(await fuzz(REQUESTS)).toEqual([])
  },
  60_000 + REQUESTS * 20,
)

const PARSER = join('protocol', 'unsigned-integer.js')
const HANDLER = join('http', 'handler.js')
const REQUEST = 'return async (exchange) => {'
const REFUSE = 'function refuse(cause, refusal) {'
const LEAK = '(globalThis.leak ??= []).push(new Uint8Array(10_000))'
const CLOSE = 'closeAppend(_io, { fd }) {'

it.each([
  ['a 500', PARSER, 'return undefined', 'throw new Error()', / 500 /],
  ['a crash', HANDLER, REFUSE, `${REFUSE} void Promise.reject(new Error());`, /ended without/],
  ['open files', join('store', 'fs', 'append.js'), CLOSE, `${CLOSE} return`, /^descriptors/],
  ['a growing heap', HANDLER, REQUEST, `${REQUEST} ${LEAK};`, /^the heap/],
])('would notice %s', async (_, file, code, instead, noticed) => {
  const main = await mutant(file, code, instead)
  expect(await fuzz(1000, main)).toContainEqual(expect.stringMatching(noticed))
})

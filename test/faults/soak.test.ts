/**
 * Mixed load in rounds: whole uploads, clients that are killed, take-overs, stalls and nonsense. After
 * each round the server holds what it held before, and in the end the directories are empty.
 *
 * `TUSSI_SOAK_SECONDS` makes it longer, `TUSSI_SEED` repeats it.
 *
 * @module
 */
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FilesystemStorage, Janitor } from 'tussi'
import { expect, it } from 'vitest'
import { randomFile, UPLOAD } from '../cli/commands.ts'
import { start } from '../run.ts'
import { createUpload, offsetOf, patch, temporaryDirectory } from '../serve.ts'
import { sendStubbornly } from './client.ts'
import { fromEnvironment, seeded, seededBytes } from './seeded.ts'
import { type Held, startWatched, type WatchedServer } from './watched-server.ts'

const SECONDS = fromEnvironment('TUSSI_SOAK_SECONDS', 24)
const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)
const ROUNDS = 6
const CLIENTS = 6
/** What a heap may differ by between two rests. */
const HEAP_SLACK = 3 * 2 ** 20
const WORKER = new URL('worker-process.mjs', import.meta.url).pathname

interface Place {
  readonly server: WatchedServer
  readonly root: string
  readonly file: string
  readonly random: () => number
}

type Client = (place: Place) => Promise<void>

const whole: Client = async ({ server, random }) => {
  const data = seededBytes(Math.floor(random() * 1e9), Math.floor(random() * 2_000_000))
  const signal = AbortSignal.timeout(60_000)
  const chunkSize = random() < 0.5 ? 30_000 : 600_000
  await sendStubbornly({ url: server.url, name: 'a.bin', data, chunkSize, signal })
}

/** Sends a part of a body and hangs up, or leaves it to the next request to end it. */
const cut: Client = async ({ server, random }) => {
  const location = await createUpload(server.url, 1_000_000)
  const { port, pathname } = new URL(location)
  const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(
    `PATCH ${pathname} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n` +
      'Content-Type: application/offset+octet-stream\r\nContent-Length: 1000000\r\n\r\n',
  )
  await new Promise((resolve) => socket.write(Buffer.alloc(random() * 900_000), resolve))
  if (random() < 0.5) socket.destroy()
  const offset = await offsetOf(location)
  if (random() < 0.5) await patch(location, offset, Buffer.alloc(1_000_000 - offset))
  socket.destroy()
}

const killed: Client = async ({ server, root, file, random }) => {
  const client = start(process.execPath, [UPLOAD, '--url', server.url, file], { cwd: root })
  await delay(random() * 600)
  await client.stop('SIGKILL')
}

const nonsense: Client = async ({ server, random }) => {
  const location = await createUpload(server.url, 10)
  const method = ['PUT', 'PATCH', 'POST', 'GET'][Math.floor(random() * 4)] ?? 'GET'
  const body = method === 'GET' ? {} : { body: 'x'.repeat(random() * 100_000) }
  const response = await fetch(location, { method, ...body })
  await response.arrayBuffer()
  expect(response.status).toBeLessThan(500)
}

async function load(place: Place, ms: number): Promise<void> {
  const until = performance.now() + ms
  const kinds = [whole, whole, cut, nonsense, killed]
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      await kinds[Math.floor(place.random() * kinds.length)]?.(place)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

/** What the server holds once all connections have gone. */
async function atRest({ server }: Place): Promise<Held> {
  const sockets = async (): Promise<unknown> => (await server.held()).resources.TCPSocketWrap
  await expect.poll(sockets, { timeout: 20_000 }).toBeUndefined()
  return server.held()
}

it(
  `${SECONDS} s of mixed load leave nothing behind`,
  async () => {
    const root = await temporaryDirectory()
    const http = { keepAliveTimeout: 1000, connectionsCheckingInterval: 250 }
    const server = await startWatched(root, { fsync: false, idleTimeoutMs: 5000, http })
    const file = join(root, 'file')
    await randomFile(file, 20_000_000)
    const place = { server, root, file, random: seeded(SEED) }
    const worker = start(process.execPath, [WORKER, root])
    const rests: Held[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await load(place, (SECONDS * 1000) / ROUNDS)
      rests.push(await atRest(place))
    }
    // The first rounds are for threads to be started and code to be compiled.
    const [before, after] = [rests[1] as Held, rests.at(-1) as Held]
    expect(after.descriptors).toEqual(before.descriptors)
    expect(after.resources).toEqual(before.resources)
    expect(after.listeners).toBe(before.listeners)
    expect(after.heapUsed).toBeLessThan(before.heapUsed + HEAP_SLACK)
    expect(after.external).toBeLessThan(before.external + HEAP_SLACK)
    expect(server.stderr()).toBe('')

    const [directory, completedDir] = [join(root, 'uploads'), join(root, 'completed')]
    const left = async (path: string): Promise<string[]> => {
      const names = await readdir(path, { recursive: true, withFileTypes: true })
      return names.filter((entry) => entry.isFile()).map(({ name }) => name)
    }
    const waiting = async (): Promise<string[]> =>
      (await readdir(completedDir)).filter((name) => name !== '.tussi')
    await expect.poll(waiting, { timeout: 20_000 }).toEqual([])
    expect(await worker.stop()).toMatchObject({ stderr: '' })
    const storage = new FilesystemStorage({ directory })
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const ages = { staleUploadAgeMs: 1, completedVisibleMs: 1, logger }
    await new Janitor({ storage, completedDir, ...ages }).run()
    await storage.close()
    expect([...(await left(directory)), ...(await left(completedDir))]).toEqual([])
  },
  120_000 + SECONDS * 2000,
)

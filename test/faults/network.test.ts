/**
 * A network that cuts, stalls, trickles and is late: uploads arrive whole, no acknowledged byte is
 * taken back, and the server lets go of peers that are gone.
 *
 * `TUSSI_NETWORK_UPLOADS` makes it longer, `TUSSI_SEED` repeats it.
 *
 * @module
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { Upload } from 'tus-js-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  sha256,
  sha256Of,
  temporaryDirectory,
} from '../serve.ts'
import { sendStubbornly } from './client.ts'
import { mutant } from './mutant.ts'
import { FAULTS, type Fault, type NetworkProxy, startProxy } from './network-proxy.ts'
import { fromEnvironment, seeded, seededBytes } from './seeded.ts'
import {
  type Held,
  startWatched,
  type WatchedOptions,
  type WatchedServer,
} from './watched-server.ts'

const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)
const UPLOADS = fromEnvironment('TUSSI_NETWORK_UPLOADS', 2)
const CLIENTS = 4
const LENGTH = 1_000_000
/** Long enough that its end is still read directly when its beginning was cut off. */
const LONG = 40_000_000
const TIMEOUT_MS = 30_000 + UPLOADS * 20_000

/** Connections without a request end soon; of Node's own patience nothing is to be proved here. */
const HTTP = { headersTimeout: 2000, keepAliveTimeout: 2000, connectionsCheckingInterval: 250 }

interface Place {
  readonly root: string
  readonly server: WatchedServer
  readonly proxy: NetworkProxy
}

async function behind(
  faults: readonly Fault[],
  options: WatchedOptions = {},
  main?: string,
  within = 300_000,
): Promise<Place> {
  const root = await temporaryDirectory()
  const server = await startWatched(root, { maxChunkSize: null, http: HTTP, ...options }, main)
  const { port } = server
  const proxy = await startProxy({ port, seed: SEED, faults, within, stallMs: 250 })
  return { root, server, proxy }
}

/** Waits until the server holds no more than `before`. */
async function settled({ server }: Place, before: Held, timeout: number): Promise<void> {
  const { descriptors } = before
  await expect.poll(async () => (await server.held()).descriptors, { timeout }).toEqual(descriptors)
}

/** What the server holds once it has started all its threads and nobody is connected. */
async function warm({ server }: Place): Promise<Held> {
  for (let round = 0; round < 3; round++) {
    const locations = await Promise.all(
      Array.from({ length: 16 }, () => createUpload(server.url, LENGTH)),
    )
    await Promise.all(locations.map((location) => patch(location, 0, Buffer.alloc(LENGTH))))
  }
  const sockets = async (): Promise<unknown> => (await server.held()).resources.TCPSocketWrap
  await expect.poll(sockets, { timeout: 10_000 }).toBeUndefined()
  return server.held()
}

async function sendAll({ proxy, root }: Place, client: number, uploads: number): Promise<void> {
  for (let i = 0; i < uploads; i++) {
    const seed = SEED + client * 1000 + i
    const data = seededBytes(seed, Math.floor(LENGTH * (0.5 + seeded(seed)() / 2)))
    const location = await sendStubbornly({
      url: proxy.url,
      name: `${client}-${i}.bin`,
      data,
      chunkSize: i % 2 === 0 ? 400_000 : 40_000,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      timeoutMs: 300,
    })
    expect(await sha256(join(root, 'completed', idOf(location))), `seed ${SEED}`).toBe(
      sha256Of(data),
    )
  }
}

describe('uploads through a bad network', { timeout: TIMEOUT_MS }, () => {
  it.each(FAULTS)('arrive whole: %s', async (fault) => {
    const place = await behind([fault, 'none'])
    await sendAll(place, 0, UPLOADS)
    expect(place.proxy.met.get(fault), `seed ${SEED}`).toBeGreaterThan(0)
    expect(place.server.stderr()).toBe('')
  })

  it('would not arrive whole if small pieces were put together wrongly', async () => {
    const code = 'this.#pieces.pop()'
    const main = await mutant(join('adapters', 'body-buffer.js'), code, 'void 0')
    const place = await behind(['trickle'], {}, main)
    await expect(sendAll(place, 0, 1)).rejects.toThrow(/^seed /)
  })

  it('arrive whole from several clients at once, and nothing of them is held', async () => {
    const place = await behind([...FAULTS, 'none'])
    const before = await warm(place)
    const clients = Array.from({ length: CLIENTS }, (_, i) => sendAll(place, i + 1, UPLOADS))
    await Promise.all(clients)
    expect([...place.proxy.met.keys()].sort(), `seed ${SEED}`).toEqual([...FAULTS].sort())
    await settled(place, before, 20_000)
    expect(place.server.stderr()).toBe('')
  })

  it('arrive whole from tus-js-client', async () => {
    const { proxy, root } = await behind(['cut', 'stall', 'half-open'])
    const data = seededBytes(SEED, 3 * LENGTH)
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(data, {
        endpoint: proxy.url,
        retryDelays: Array.from({ length: 50 }, () => 10),
        onSuccess: () => resolve(upload.url ?? ''),
        onError: reject,
      })
      upload.start()
    })
    const met = [...proxy.met.values()].reduce((sum, count) => sum + count, 0)
    expect(met, `seed ${SEED}`).toBeGreaterThan(3)
    expect(await sha256(join(root, 'completed', idOf(url))), `seed ${SEED}`).toBe(sha256Of(data))
  })
})

/** What ends a long body in its middle; the other faults would only make it last. */
const BREAKS = ['cut', 'stall', 'late', 'half-open', 'none'] as const

/** Sends long bodies, most of which are read from their sockets. */
async function sendLong(main?: string): Promise<Place> {
  const place = await behind(BREAKS, {}, main, LONG / 2)
  const { proxy, root, server } = place
  const before = await warm(place)
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const clients = Array.from({ length: CLIENTS }, async (_, i) => {
    const data = seededBytes(SEED + i, LONG + i)
    const sending = { url: proxy.url, name: `${i}`, data, chunkSize: 2 * LONG, timeoutMs: 1000 }
    const location = await sendStubbornly({ ...sending, signal })
    const arrived = await sha256(join(root, 'completed', idOf(location)))
    expect(arrived, `seed ${SEED}`).toBe(sha256Of(data))
  })
  // None may still read when the test ends.
  await Promise.allSettled(clients)
  await Promise.all(clients)
  await settled(place, before, 20_000)
  expect(server.stderr()).toBe('')
  return place
}

describe('long bodies that are read from their sockets', { timeout: TIMEOUT_MS }, () => {
  it('arrive whole through a bad network, and nothing of them is held', async () => {
    const { proxy } = await sendLong()
    expect(proxy.met.size, `seed ${SEED}`).toBeGreaterThan(2)
  })

  it('would not arrive whole if the buffer were filled at the wrong place', async () => {
    const code = 'this.#buffer.subarray(this.#filled, '
    const main = await mutant(join('adapters', 'direct-body.js'), code, 'this.#buffer.subarray(0, ')
    await expect(sendLong(main)).rejects.toThrow(/^seed /)
  })
})

/** Lets clients vanish in the middle of what they send; resolves with what is wrong, in words. */
async function vanish(main: string | undefined, patienceMs: number): Promise<string[]> {
  const place = await behind(['half-open'], { idleTimeoutMs: 1000 }, main)
  const { proxy, server } = place
  const locations = await Promise.all(
    Array.from({ length: 20 }, () => createUpload(server.url, LENGTH)),
  )
  const before = await warm(place)
  await Promise.all(locations.map((location) => sendHalf(proxy, location)))
  const wrong: string[] = []
  await settled(place, before, patienceMs).catch(() => wrong.push('descriptors are held'))
  const offsets = await Promise.all(locations.map((location) => offsetOf(location)))
  if (!offsets.some((offset) => offset > 0)) wrong.push('what came was not kept')
  return wrong
}

/** Sends half of an upload, and is cut off by the proxy somewhere on the way, or at the answer. */
async function sendHalf(proxy: NetworkProxy, location: string): Promise<void> {
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(
    `PATCH ${new URL(location).pathname} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
      'Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n' +
      `Content-Length: ${LENGTH / 2}\r\n\r\n`,
  )
  socket.write(Buffer.alloc(LENGTH / 2, 1))
  socket.on('error', () => undefined).resume()
  await new Promise((resolve) => socket.on('close', resolve))
}

describe('peers that vanish without a word', () => {
  it('are let go after the idle timeout, and what they sent is kept', async () => {
    expect(await vanish(undefined, 20_000)).toEqual([])
  })

  it('would be held for ever without the idle timeout', async () => {
    const code = 'idleMs + 1 >= idleTimeoutMs'
    const main = await mutant(join('upload', 'limits.js'), code, 'false')
    expect(await vanish(main, 4000)).toEqual(['descriptors are held'])
  })
})

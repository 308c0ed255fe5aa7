/**
 * Hundreds of uploads that have fallen silent: each costs little memory, the others go on at their
 * speed, and in the end nothing is held.
 *
 * `TUSSI_STALLED` says how many.
 *
 * @module
 */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { recordOf } from '../cli/commands.ts'
import { createUpload, idOf, patch, temporaryDirectory } from '../serve.ts'
import { fromEnvironment } from './seeded.ts'
import { type Held, startWatched, type WatchedServer } from './watched-server.ts'

const STALLED = fromEnvironment('TUSSI_STALLED', 500)
const MAX_BYTES_EACH = 80 * 1024
/** Longer than it takes to open them all and to measure. */
const IDLE_TIMEOUT_MS = 13_000 + STALLED * 4
/** The others, whose speed is measured. */
const SENDERS = 4
const BODY = Buffer.alloc(1_000_000, 1)
const ROUNDS = 5
const ROUND_MS = 400
/** What a stalled one has sent before. */
const SENT = 5000

async function startServer(root: string): Promise<{ server: WatchedServer; before: Held }> {
  const server = await startWatched(root, {
    fsync: false,
    maxChunkSize: null,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    http: { keepAliveTimeout: 500 },
  })
  // Threads are started, and code is compiled, before anything is measured.
  for (const { socket } of await stall(server, 30)) socket.destroy()
  const open = async (): Promise<unknown[]> => {
    const { resources, descriptors } = await server.held()
    return [resources.TCPSocketWrap, descriptors[join(root, 'uploads/')]]
  }
  await expect.poll(open, { timeout: 10_000 }).toEqual([undefined, undefined])
  return { server, before: await server.held() }
}

/** Bytes per millisecond of a few senders at once. */
async function sendSome({ url }: WatchedServer, root: string): Promise<number> {
  const start = performance.now()
  let bytes = 0
  const sender = async (): Promise<void> => {
    while (performance.now() - start < ROUND_MS) {
      const location = await createUpload(url, BODY.length)
      expect((await patch(location, 0, BODY)).status).toBe(204)
      bytes += BODY.length
      await rm(join(root, 'completed', idOf(location)))
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
  return bytes / (performance.now() - start)
}

interface Stalled {
  readonly id: string
  readonly socket: Socket
}

/** Opens requests that send the first bytes of their body and no more. */
async function stall({ url, port }: WatchedServer, count: number): Promise<Stalled[]> {
  const stalled: Stalled[] = []
  for (let i = 0; i < count; i++) {
    const location = await createUpload(url, 1_000_000)
    const { pathname } = new URL(location)
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    socket.write(
      `PATCH ${pathname} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
        'Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n' +
        `Content-Length: 1000000\r\n\r\n${'a'.repeat(SENT)}`,
    )
    stalled.push({ id: idOf(location), socket })
  }
  return stalled
}

/** Waits until all that came is in the records. */
async function recorded(root: string, stalled: readonly Stalled[]): Promise<void> {
  const missing = async (): Promise<number> => {
    const offsets = stalled.map(({ id }) => recordOf(join(root, 'uploads', id)))
    return (await Promise.all(offsets)).filter(({ offset }) => offset !== SENT).length
  }
  await expect.poll(missing, { timeout: 10_000 }).toBe(0)
}

/** Resolves with all that was answered. */
async function answerTo(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', (piece) => {
    answer += piece
  })
  await once(socket, 'close')
  return answer
}

/** The second I/O thread starts when the first is slow, which may be after the first look. */
function ofRequests({ descriptors }: Held): Record<string, number> {
  const { anon_inode: _loops, pipe: _wakeups, ...others } = descriptors
  return others
}

it(`${STALLED} stalled uploads cost little, hinder nobody and end`, async () => {
  const root = await temporaryDirectory()
  const { server, before } = await startServer(root)
  const otherRoot = await temporaryDirectory()
  const { server: other } = await startServer(otherRoot)
  // The first ones fill up what the allocator has left from before.
  const first = await stall(server, Math.ceil(STALLED / 5))
  await recorded(root, first)
  const resident = await server.resident()
  const measured = await stall(server, STALLED)
  await recorded(root, measured)
  const each = ((await server.resident()) - resident) / STALLED
  const answers = [...first, ...measured].map(({ socket }) => answerTo(socket))
  expect(each).toBeLessThanOrEqual(MAX_BYTES_EACH)

  const best = { stalled: 0, other: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    // By turns, for the first one pays for what was before it.
    const turn = round % 2 === 0 ? (['stalled', 'other'] as const) : (['other', 'stalled'] as const)
    for (const which of turn) {
      const rate =
        which === 'stalled' ? await sendSome(server, root) : await sendSome(other, otherRoot)
      best[which] = Math.max(best[which], rate)
    }
  }
  expect(best.stalled / best.other).toBeGreaterThanOrEqual(0.5)
  for (const answer of await Promise.all(answers)) {
    expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*ERR_READ_TIMEOUT/)
  }
  await expect
    .poll(async () => ofRequests(await server.held()), { timeout: 10_000 })
    .toEqual(ofRequests(before))
  expect(server.stderr()).toBe('')
})

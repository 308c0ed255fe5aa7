/** Long bodies that are read from the descriptors of their connections, past the stream. @module */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ByteBudget } from '../../src/adapters/byte-budget.ts'
import { DirectSockets } from '../../src/adapters/direct-sockets.ts'
import { loadDuplicateDescriptor } from '../../src/adapters/duplicate-descriptor.ts'
import { Http1Content } from '../../src/adapters/http1-content.ts'
import { beginRequest } from '../raw-request.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  type Served,
  type ServeOptions,
  serve,
  sha256,
  sha256Of,
  temporaryDirectory,
} from '../serve.ts'

const MIB = 2 ** 20
const BODY = randomBytes(40 * MIB)
/** A record comes once a second, on a busy machine later. */
const LONG = { timeout: 10_000 }

/** What Node keeps of a connection, but for what is different. */
class TCP {
  readonly fd = 3
  constructor(different: object) {
    Object.assign(this, different)
  }
  readStart(): void {}
  readStop(): void {}
}

/** A server, and how many bytes the stream of each connection with a PATCH has read. */
async function serveAttached(options: ServeOptions = {}) {
  const served = await serve(await temporaryDirectory(), options)
  const sockets: Socket[] = []
  served.server.on('connection', (socket: Socket) => sockets.push(socket))
  served.tus.attach(served.server, { path: '/files/' })
  /** Those that have brought more than a head. */
  const streamed = (): number[] => sockets.map(({ bytesRead }) => bytesRead).filter((n) => n > 1000)
  return { ...served, streamed }
}

function bytesOf({ completedDir }: Served, url: string): Promise<string> {
  return sha256(join(completedDir, idOf(url)))
}

/** Sends pieces of all sizes, faster than they can be taken. */
async function send(socket: Socket, body: Uint8Array): Promise<void> {
  const end = closed(socket)
  for (
    let at = 0, size = 1;
    at < body.byteLength && !socket.destroyed;
    size = (size * 7 + 1) % 3_000_017
  ) {
    const piece = body.subarray(at, at + size)
    at += piece.byteLength
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), end])
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function openSockets(): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ''))
  return (await Promise.all(targets)).filter((target) => target.startsWith('socket:')).length
}

describe('an attached server', () => {
  it('gets the same bytes, of which the stream reads the first, on a connection that stays', async () => {
    const served = await serveAttached({ sha256: true })
    const url = await createUpload(served.url, BODY.byteLength)
    const begun = await beginRequest(url, {
      method: 'PATCH',
      length: BODY.byteLength,
      sent: BODY.subarray(0, 2000),
    })
    await send(begun.socket, BODY.subarray(2000))
    await expect
      .poll(begun.answer, LONG)
      .toMatch(/^HTTP\/1.1 204 [\s\S]*Connection: keep-alive\r\n/)
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
    expect(served.streamed()[0]).toBeLessThan(8 * MIB)
    const record = await readFile(join(served.completedDir, `${idOf(url)}.meta`), 'utf8')
    expect(record).toContain(sha256Of(BODY))
    const path = new URL(url).pathname
    const next = `HEAD ${path} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n\r\n`
    begun.socket.write(next)
    await expect.poll(begun.answer).toMatch(/HTTP\/1.1 200 [\s\S]*Upload-Offset: 41943040\r\n/)
    begun.socket.destroy()
  })

  it('takes requests that are pipelined behind a long body', async () => {
    const served = await serveAttached()
    const urls = [1, 2, 3].map(() => createUpload(served.url, BODY.byteLength))
    const socket = connect(served.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let answers = ''
    socket.setEncoding('latin1').on('data', (text) => {
      answers += text
    })
    for (const url of await Promise.all(urls)) {
      socket.write(
        `PATCH ${new URL(url).pathname} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
          'Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n' +
          `Content-Length: ${BODY.byteLength}\r\n\r\n`,
      )
      socket.write(BODY)
    }
    await expect.poll(() => answers.match(/HTTP\/1.1 204 /g)?.length, LONG).toBe(3)
    for (const url of urls) expect(await bytesOf(served, await url)).toBe(sha256Of(BODY))
  })

  it('leaves short bodies to the stream', async () => {
    const served = await serveAttached()
    const url = await createUpload(served.url, BODY.byteLength)
    const first = await patch(url, 0, BODY.subarray(0, 3 * MIB))
    expect(first.headers.get('connection')).toBe('keep-alive')
    expect(served.streamed()[0]).toBeGreaterThan(3 * MIB)
  })

  it('goes back to the stream when the sender pauses, and on again', async () => {
    const served = await serveAttached({ maxBufferedBytes: 4 * MIB })
    const url = await createUpload(served.url, BODY.byteLength)
    const begun = await beginRequest(url, {
      method: 'PATCH',
      length: BODY.byteLength,
      sent: BODY.subarray(0, 9 * MIB),
    })
    const offset = async () => (await served.storage.info(idOf(url))).offset
    await expect.poll(offset, LONG).toBe(9 * MIB)
    // The buffer of the first is free again: else the second would have none.
    const second = await createUpload(served.url, BODY.byteLength)
    expect((await patch(second, 0, BODY)).status).toBe(204)
    expect(served.streamed()[1]).toBeLessThan(8 * MIB)
    await send(begun.socket, BODY.subarray(9 * MIB))
    await expect.poll(begun.answer).toMatch(/^HTTP\/1.1 204 /)
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
    expect(await bytesOf(served, second)).toBe(sha256Of(BODY))
  })

  it('keeps what a body brought that is cut off, and leaves no descriptor', async () => {
    const before = await openSockets()
    const served = await serveAttached()
    const url = await createUpload(served.url, BODY.byteLength)
    const sent = BODY.subarray(0, 21 * MIB + 5)
    const begun = await beginRequest(url, { method: 'PATCH', length: BODY.byteLength, sent })
    const offset = async () => (await served.storage.info(idOf(url))).offset
    await expect.poll(offset, LONG).toBe(sent.byteLength)
    begun.socket.destroy()
    expect(await offsetOf(url)).toBe(sent.byteLength)
    expect((await patch(url, sent.byteLength, BODY.subarray(sent.byteLength))).status).toBe(204)
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
    await served.close()
    await expect.poll(openSockets).toBe(before)
  })

  it('lets a newcomer take over in the middle', async () => {
    const served = await serveAttached()
    const url = await createUpload(served.url, BODY.byteLength)
    const begun = await beginRequest(url, {
      method: 'PATCH',
      length: BODY.byteLength,
      sent: new Uint8Array(0),
    })
    const sending = send(begun.socket, BODY.subarray(0, 30 * MIB))
    const offset = async () => (await served.storage.info(idOf(url))).offset
    await expect.poll(offset, { interval: 1 }).toBeGreaterThan(0)
    const at = await offsetOf(url)
    await expect.poll(begun.answer).toMatch(/^HTTP\/1.1 409 [\s\S]*\r\nConnection: close\r\n/i)
    begun.socket.destroy()
    await sending
    expect((await patch(url, at, BODY.subarray(at))).status).toBe(204)
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
  })
})

describe('a body that is read directly', () => {
  /** A server that reads one body and tells what came. */
  async function read(direct: DirectSockets, disturb?: (socket: Socket) => void) {
    const hash = createHash('sha256')
    const outcome = { bytes: 0, streamed: 0, error: undefined as unknown, sha256: '' }
    const server = createServer({ allowHalfOpen: true }, async (connection) => {
      const bodies = { budget: new ByteBudget(100 * MIB), direct }
      const content = new Http1Content(connection, BODY.byteLength, bodies)
      connection.on('data', (chunk) => content.push(chunk))
      connection.on('error', () => undefined)
      try {
        for (let last = false; !last; ) {
          const batch = await content.read()
          for (const piece of batch.pieces) hash.update(piece)
          outcome.bytes += batch.byteLength
          last = batch.last
          if (outcome.bytes > 10 * MIB) disturb?.(connection)
        }
      } catch (error) {
        outcome.error = error
      }
      outcome.streamed = connection.bytesRead
      content.discard()
      connection.destroy()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
    socket.on('error', () => undefined)
    socket.write(BODY)
    await closed(socket)
    return { ...outcome, sha256: hash.digest('hex') }
  }

  const duplicate = loadDuplicateDescriptor() ?? (() => -1)

  it('takes what the stream had in hand first', async () => {
    const outcome = await read(new DirectSockets(new ByteBudget(100 * MIB), duplicate))
    expect(outcome).toMatchObject({ bytes: BODY.byteLength, sha256: sha256Of(BODY) })
    expect(outcome.streamed).toBeLessThan(8 * MIB)
  })

  it('comes by the stream where there is no descriptor to be had', async () => {
    const outcome = await read(new DirectSockets(new ByteBudget(100 * MIB), () => -1))
    expect(outcome).toMatchObject({ bytes: BODY.byteLength, sha256: sha256Of(BODY) })
    expect(outcome.streamed).toBe(BODY.byteLength)
  })

  it('comes by the stream while memory is short', async () => {
    const budget = new ByteBudget(MIB)
    budget.take(MIB)
    const outcome = await read(new DirectSockets(budget, duplicate))
    expect(outcome).toMatchObject({ bytes: BODY.byteLength, sha256: sha256Of(BODY) })
    expect(outcome.streamed).toBe(BODY.byteLength)
  })

  it('ends in an interrupted request, never in wrong bytes, when the stream reads all the same', async () => {
    const direct = new DirectSockets(new ByteBudget(100 * MIB), duplicate)
    const outcome = await read(direct, (socket) => {
      const { _handle: handle } = socket as unknown as { _handle: { readStart(): void } }
      handle.readStart()
    })
    expect(outcome.error).toMatchObject({ code: 'ERR_CONNECTION_RESET' })
    expect(outcome.sha256).toBe(sha256Of(BODY.subarray(0, outcome.bytes)))
  })

  it.each([
    ['no handle', {}],
    ['a closed socket', { _handle: null }],
    ['a handle without a descriptor', { _handle: new TCP({ fd: undefined }) }],
    ['a closed descriptor', { _handle: new TCP({ fd: -1 }) }],
    ['a handle that cannot be stopped', { _handle: new TCP({ readStop: undefined }) }],
    ['a handle that cannot be started', { _handle: new TCP({ readStart: undefined }) }],
    ['the handle of something else', { _handle: { fd: 3, readStart() {}, readStop() {} } }],
  ])('is none with %s', (_, socket) => {
    const direct = new DirectSockets(new ByteBudget(MIB), () => {
      throw new Error('nothing may be opened')
    })
    expect(direct.open(socket as unknown as Socket, 16 * MIB, () => undefined)).toBeUndefined()
  })

  it('is none that is short', () => {
    const direct = new DirectSockets(new ByteBudget(MIB), duplicate)
    expect([4 * MIB - 1, 4 * MIB].map((bytes) => direct.suits(bytes))).toEqual([false, true])
  })
})

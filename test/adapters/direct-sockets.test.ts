/** Long bodies that are read from their sockets, past the parser. @module */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ByteBudget } from '../../src/adapters/byte-budget.ts'
import { DirectSockets } from '../../src/adapters/direct-sockets.ts'
import { loadDuplicateDescriptor } from '../../src/adapters/duplicate-descriptor.ts'
import { NodeContent } from '../../src/adapters/node-content.ts'
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

/** A server, and how many bytes the parser of each request has read in the end. */
async function serveDirectly(options: ServeOptions = {}) {
  const served = await serve(await temporaryDirectory(), { directSockets: true, ...options })
  const sockets: Socket[] = []
  served.server.on('request', (req: IncomingMessage) => {
    if (req.method === 'PATCH') sockets.push(req.socket)
  })
  return { ...served, parsed: () => sockets.map((socket) => socket.bytesRead) }
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

describe('directSockets', () => {
  it('brings the same bytes, of which the parser sees the first', async () => {
    const served = await serveDirectly({ sha256: true })
    const url = await createUpload(served.url, BODY.byteLength)
    const begun = await beginRequest(url, {
      method: 'PATCH',
      length: BODY.byteLength,
      sent: BODY.subarray(0, 10),
    })
    const end = closed(begun.socket)
    await send(begun.socket, BODY.subarray(10))
    await expect.poll(begun.answer).toMatch(/^HTTP\/1.1 204 [\s\S]*\r\nConnection: close\r\n/i)
    await end
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
    expect(served.parsed()[0]).toBeLessThan(8 * MIB)
    const record = await readFile(join(served.completedDir, `${idOf(url)}.meta`), 'utf8')
    expect(record).toContain(sha256Of(BODY))
  })

  it('leaves short bodies and their connections alone', async () => {
    const served = await serveDirectly()
    const url = await createUpload(served.url, BODY.byteLength)
    const first = await patch(url, 0, BODY.subarray(0, 8 * MIB))
    expect(first.headers.get('connection')).toBe('keep-alive')
    expect(served.parsed()[0]).toBeGreaterThan(8 * MIB)
  })

  it('goes back to the parser when the sender pauses, and on again', async () => {
    const served = await serveDirectly({ maxBufferedBytes: 4 * MIB })
    const url = await createUpload(served.url, BODY.byteLength)
    const begun = await beginRequest(url, {
      method: 'PATCH',
      length: BODY.byteLength,
      sent: BODY.subarray(0, 9 * MIB),
    })
    const offset = async () => (await served.storage.info(idOf(url))).offset
    await expect.poll(offset).toBe(9 * MIB)
    // The buffer of the first is free again: else the second would have none.
    const second = await createUpload(served.url, BODY.byteLength)
    expect((await patch(second, 0, BODY)).status).toBe(204)
    expect(served.parsed()[1]).toBeLessThan(8 * MIB)
    await send(begun.socket, BODY.subarray(9 * MIB))
    await expect.poll(begun.answer).toMatch(/^HTTP\/1.1 204 /)
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
    expect(await bytesOf(served, second)).toBe(sha256Of(BODY))
  })

  it('keeps what a body brought that is cut off, and leaves no descriptor', async () => {
    const before = await openSockets()
    const served = await serveDirectly()
    const url = await createUpload(served.url, BODY.byteLength)
    const sent = BODY.subarray(0, 21 * MIB + 5)
    const begun = await beginRequest(url, { method: 'PATCH', length: BODY.byteLength, sent })
    const offset = async () => (await served.storage.info(idOf(url))).offset
    await expect.poll(offset).toBe(sent.byteLength)
    begun.socket.destroy()
    expect(await offsetOf(url)).toBe(sent.byteLength)
    expect((await patch(url, sent.byteLength, BODY.subarray(sent.byteLength))).status).toBe(204)
    expect(await bytesOf(served, url)).toBe(sha256Of(BODY))
    await served.close()
    await expect.poll(openSockets).toBe(before)
  })

  it('lets a newcomer take over in the middle', async () => {
    const served = await serveDirectly()
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
  async function read(direct: DirectSockets, disturb?: (req: IncomingMessage) => void) {
    const hash = createHash('sha256')
    const outcome = { bytes: 0, parsed: 0, error: undefined as unknown, sha256: '' }
    const server = createServer(async (req, res) => {
      const content = new NodeContent(req, { budget: new ByteBudget(100 * MIB), direct }, undefined)
      try {
        for (let last = false; !last; ) {
          const batch = await content.read()
          for (const piece of batch.pieces) hash.update(piece)
          outcome.bytes += batch.byteLength
          last = batch.last
          if (outcome.bytes > 10 * MIB) disturb?.(req)
        }
      } catch (error) {
        outcome.error = error
      }
      outcome.parsed = req.socket.bytesRead
      content.discard()
      res.setHeader('Connection', 'close').end()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
    socket.on('error', () => undefined)
    socket.write(`PATCH / HTTP/1.1\r\nHost: h\r\nContent-Length: ${BODY.byteLength}\r\n\r\n`)
    socket.write(BODY)
    await closed(socket)
    return { ...outcome, sha256: hash.digest('hex') }
  }

  const duplicate = loadDuplicateDescriptor() ?? (() => -1)

  it('takes what the parser had in hand first', async () => {
    const outcome = await read(new DirectSockets(new ByteBudget(100 * MIB), duplicate))
    expect(outcome).toMatchObject({ bytes: BODY.byteLength, sha256: sha256Of(BODY) })
    expect(outcome.parsed).toBeLessThan(8 * MIB)
  })

  it('comes by the parser where there is no descriptor to be had', async () => {
    const outcome = await read(new DirectSockets(new ByteBudget(100 * MIB), () => -1))
    expect(outcome).toMatchObject({ bytes: BODY.byteLength, sha256: sha256Of(BODY) })
    expect(outcome.parsed).toBeGreaterThan(BODY.byteLength)
  })

  it('comes by the parser while memory is short', async () => {
    const budget = new ByteBudget(MIB)
    budget.take(MIB)
    const outcome = await read(new DirectSockets(budget, duplicate))
    expect(outcome.sha256).toBe(sha256Of(BODY))
    expect(outcome.parsed).toBeGreaterThan(BODY.byteLength)
  })

  it('ends when the parser reads although it was told not to', async () => {
    const direct = new DirectSockets(new ByteBudget(100 * MIB), duplicate)
    const outcome = await read(direct, (req) => void req.socket.resume())
    expect(outcome.error).toMatchObject({ code: 'ERR_CONNECTION_RESET' })
    expect(outcome.sha256).toBe(sha256Of(BODY.subarray(0, outcome.bytes)))
  })

  it.each([
    ['HTTP/2', { httpVersionMajor: 2 }],
    ['TLS', { socket: { encrypted: true, _handle: { fd: 3 } } }],
    ['an idle timeout', { socket: { timeout: 1000, _handle: { fd: 3 } } }],
    ['a socket without a descriptor', { socket: {} }],
    ['a closed socket', { socket: { _handle: null } }],
  ])('is none with %s', (_, difference) => {
    const direct = new DirectSockets(new ByteBudget(MIB), duplicate)
    const plain = { httpVersionMajor: 1, socket: { _handle: { fd: 3 } } }
    const suits = (req: object): boolean => direct.suits(req as IncomingMessage, 16 * MIB)
    expect(suits(plain)).toBe(true)
    expect(suits({ ...plain, ...difference })).toBe(false)
    expect(direct.suits(plain as unknown as IncomingMessage, 16 * MIB - 1)).toBe(false)
  })
})

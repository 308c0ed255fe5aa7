/** Slow senders, and many at once. @module */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createUpload,
  offsetOf,
  patch,
  serve,
  sha256,
  sha256Of,
  temporaryDirectory,
} from '../serve.ts'

async function open(port: number, path: string, length: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  socket.write(
    `PATCH ${path} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
      'Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n' +
      `Content-Length: ${length}\r\n\r\n`,
  )
  return socket
}

describe('a sender that falls silent', () => {
  it.each([0, 5])('after %d bytes is given up; what came is kept', async (sent) => {
    const { url, port } = await serve(await temporaryDirectory(), { idleTimeoutMs: 200 })
    const location = await createUpload(url, 1000)
    const socket = await open(port, new URL(location).pathname, 1000)
    if (sent > 0) socket.write(randomBytes(sent))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After: 1[\s\S]*ERR_READ_TIMEOUT/)
    expect(await offsetOf(location)).toBe(sent)
    expect((await patch(location, sent, randomBytes(1000 - sent))).status).toBe(204)
  })

  it('where an upload is empty is given up as well, while its end is awaited', async () => {
    const { port } = await serve(await temporaryDirectory(), { idleTimeoutMs: 200 })
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write(
      'POST /files/ HTTP/1.1\r\nHost: h\r\nUpload-Complete: ?1\r\nUpload-Length: 0\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n',
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 [\s\S]*ERR_READ_TIMEOUT/)
  })

  it('but goes on in time is not', async () => {
    const { url, port } = await serve(await temporaryDirectory(), { idleTimeoutMs: 1000 })
    const location = await createUpload(url, 5)
    const socket = await open(port, new URL(location).pathname, 5)
    for (const letter of 'hello') {
      socket.write(letter)
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 204 /)
  })
})

describe('a small budget of memory', () => {
  it('makes many senders take turns, and all arrive', async () => {
    const { url, tus, completedDir } = await serve(await temporaryDirectory(), {
      maxBufferedBytes: 1_000_000,
    })
    const data = randomBytes(5_000_000)
    const send = async (): Promise<number> =>
      (await patch(await createUpload(url, data.length), 0, data)).status
    expect(await Promise.all(Array.from({ length: 8 }, send))).toEqual(Array(8).fill(204))
    for (let i = 0; i < 8; i++) {
      const upload = await tus.waitForFile({ timeoutMs: 5000 })
      expect(await sha256(join(completedDir, upload.name))).toBe(sha256Of(data))
      await upload.acknowledge()
    }
  })
})

/** What is no request: answered in words, and let go even by a peer that never closes its side. @module */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TusApp } from '../../src/app/tus-app.ts'
import { createHttpServer } from '../../src/cli/http-server.ts'
import { maxConnections } from '../../src/cli/max-connections.ts'
import { MemoryStorage } from '../../src/store/memory/memory-storage.ts'
import { temporaryDirectory } from '../serve.ts'

async function send(
  text: string,
  how: 'write' | 'end' = 'write',
): Promise<{ answer: string; connections(): Promise<number> }> {
  const storage = new MemoryStorage()
  const completedDir = join(await temporaryDirectory(), 'completed')
  const tus = new TusApp({ storage, completedDir })
  const server = createHttpServer(tus, { accessLog: false })
  Object.assign(server, { headersTimeout: 200, connectionsCheckingInterval: 50 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => {
    socket.destroy()
    server.close()
    server.closeAllConnections()
    void tus.close()
  })
  let answer = ''
  socket.on('data', (piece) => {
    answer += piece
  })
  socket[how](text)
  await once(socket, 'end')
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  return { answer, connections }
}

describe.each([
  ['is no HTTP', 'nonsense\r\n\r\n', 400],
  ['is too long', `GET / HTTP/1.1\r\nA: ${'a'.repeat(140_000)}\r\n\r\n`, 431],
  ['does not come to its end', 'GET / HTTP/1.1\r\nHos', 408],
])('a request that %s', (_, text, status) => {
  it(`is answered ${status}`, async () => {
    const { answer } = await send(text)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*"code":"ERR_INVALID_REQUEST"`))
  })

  it('holds no connection, whatever its sender does', async () => {
    const { connections } = await send(text)
    await expect.poll(connections, { timeout: 5000 }).toBe(0)
  })
})

it('tells a request that breaks off from one that is none', async () => {
  const { answer } = await send('PATCH /files/x HTTP/1.1\r\nHos', 'end')
  expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"The request broke off."/)
})

describe('the number of connections', () => {
  it.each([
    ['Max open files            1024                 4096                 files', 492],
    ['Max open files            20                   20                   files', 1],
    ['Max open files            unlimited            unlimited            files', undefined],
    ['', undefined],
  ])('leaves descriptors for files: %s', async (limits, expected) => {
    const path = join(await temporaryDirectory(), 'limits')
    await writeFile(path, `Limit  Soft  Hard  Units\n${limits}\nMax locked memory  1  1  bytes\n`)
    expect(maxConnections(path)).toBe(expected)
  })

  it('has no limit where the system tells none', () => {
    expect(maxConnections('/nowhere')).toBeUndefined()
  })
})

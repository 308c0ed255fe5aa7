/** A server whose usual requests go past the objects of `node:http`. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { join } from 'node:path'
import { type AttachedAnswer, FilesystemStorage, TusApp, type TusAppOptions } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createUpload, offsetOf, temporaryDirectory } from '../serve.ts'

interface Attached {
  readonly tus: TusApp
  readonly server: Server
  readonly port: number
  readonly url: string
  /** What went through the listeners of the server. */
  readonly listened: string[]
  readonly answers: AttachedAnswer[]
}

interface Settings {
  readonly app?: Partial<TusAppOptions>
  readonly server?: Partial<Pick<Server, 'keepAliveTimeout' | 'headersTimeout'>>
}

async function attached(settings: Settings = {}): Promise<Attached> {
  const root = await temporaryDirectory()
  const storage = new FilesystemStorage({ directory: join(root, 'uploads'), fsync: false })
  const tus = new TusApp({ storage, completedDir: join(root, 'completed'), ...settings.app })
  const listened: string[] = []
  const answers: AttachedAnswer[] = []
  const server = createServer({ requestTimeout: 0 }, tus.listener)
  server.on('checkContinue', tus.checkContinue)
  server.on('request', ({ method, url }: IncomingMessage) => void listened.push(`${method} ${url}`))
  Object.assign(server, settings.server)
  tus.attach(server, { path: '/files/', onAnswer: (answer) => answers.push(answer) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await tus.close()
    server.closeAllConnections()
    await storage.close()
  })
  const { port } = server.address() as AddressInfo
  return { tus, server, port, url: `http://127.0.0.1:${port}/files/`, listened, answers }
}

/** A client's side, and all that has come. */
class Client {
  readonly socket: Socket
  received = ''
  closed = false

  constructor(port: number, options: { readonly allowHalfOpen?: boolean } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', ...options })
    this.socket.setEncoding('latin1').on('data', (text) => {
      this.received += text
    })
    this.socket.on('close', () => {
      this.closed = true
    })
    this.socket.on('error', () => undefined)
    onTestFinished(() => void this.socket.destroy())
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  get statuses(): string[] {
    return this.received.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? []
  }

  async answered(...statuses: string[]): Promise<void> {
    await expect.poll(() => this.statuses, { interval: 2 }).toEqual(statuses)
  }

  async ended(): Promise<void> {
    await expect.poll(() => this.closed, { interval: 2, timeout: 5000 }).toBe(true)
  }
}

const HEADS = 'Host: h\r\nTus-Resumable: 1.0.0\r\n'

function append(path: string, offset: number, length: number, more = ''): string {
  return (
    `PATCH ${path} HTTP/1.1\r\n${HEADS}Content-Type: application/offset+octet-stream\r\n` +
    `Upload-Offset: ${offset}\r\nContent-Length: ${length}\r\n${more}\r\n`
  )
}

function query(path: string, more = ''): string {
  return `HEAD ${path} HTTP/1.1\r\n${HEADS}${more}\r\n`
}

const creation = `POST /files/ HTTP/1.1\r\n${HEADS}Upload-Length: 10\r\n\r\n`

async function pathOf(url: string, length = 10): Promise<string> {
  return new URL(await createUpload(url, length)).pathname
}

describe('an attached server', () => {
  it('answers what a listener would have answered', async () => {
    const { port, url, listened } = await attached()
    const path = await pathOf(url, 100)
    const requests = [
      query(path),
      append(path, 3, 0),
      query('/files/nothing'),
      creation,
      query(path),
    ]
    const direct = new Client(port)
    const listening = new Client(port).send('OPTIONS /files/ HTTP/1.1\r\nHost: h\r\n\r\n')
    await listening.answered('204')
    listening.received = ''
    for (const request of requests) {
      for (const client of [direct, listening]) {
        const before = client.statuses.length
        client.send(request)
        await expect.poll(() => client.statuses.length, { interval: 2 }).toBe(before + 1)
      }
    }
    const comparable = ({ received }: Client): string[] =>
      received
        .replace(/^Date: .*$/gm, 'Date: now')
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
        .split('\r\n')
        .sort()
    expect(comparable(direct)).toEqual(comparable(listening))
    expect(direct.statuses).toEqual(['200', '409', '404', '201', '200'])
    // Of the direct client's requests the server has seen none.
    expect(listened).toHaveLength(1 + requests.length)
  })

  it.each([
    [
      'a body in chunks',
      `${creation.slice(0, -2)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      '415',
    ],
    ['a method of CORS', 'OPTIONS /files/ HTTP/1.1\r\nHost: h\r\n\r\n', '204'],
    ['an older version', `HEAD /files/x HTTP/1.0\r\n${HEADS}Connection: keep-alive\r\n\r\n`, '404'],
    ['a head beyond 16 KiB', query('/files/x', `X: ${'x'.repeat(20_000)}\r\n`), '431'],
  ])('leaves %s to the parser of the server', async (_what, request, status) => {
    const { port, answers } = await attached()
    await new Client(port).send(request).answered(status)
    expect(answers).toEqual([])
  })

  it('leaves other paths, and what follows on their connections, to the listeners', async () => {
    const { port, listened, answers } = await attached()
    const client = new Client(port).send(query('/filesystem/x'))
    await client.answered('404')
    await client.send(query('/files/x')).answered('404', '404')
    expect(listened).toEqual(['HEAD /filesystem/x', 'HEAD /files/x'])
    await new Client(port).send(query('/files?x') + query('/files')).answered('404', '404')
    expect(answers.map(({ target }) => target)).toEqual(['/files?x', '/files'])
  })

  it('gives the parser a head that comes in pieces, and all that came with it', async () => {
    const { port, url, listened } = await attached()
    const path = await pathOf(url)
    const client = new Client(port).send(append(path, 0, 10).slice(0, 30))
    await new Promise((resolve) => setTimeout(resolve, 30))
    await client
      .send(append(path, 0, 10).slice(30))
      .send('0123456789')
      .answered('204')
    expect(listened).toContain(`PATCH ${path}`)
  })

  it('tells of each answer', async () => {
    const { port, url, answers } = await attached()
    const path = await pathOf(url)
    answers.length = 0
    const request = `${append(`${path}?a`, 0, 10)}0123456789`
    await new Client(port).send(request).answered('204')
    const expected = { method: 'PATCH', target: `${path}?a`, status: 204, sent: true }
    expect(answers).toEqual([{ ...expected, bytes: 10, ms: expect.any(Number) }])
  })

  it.each([
    [{}, '/files/'],
    [undefined, '/files/'],
  ])('must be a server of node:http, not %s', async (server, path) => {
    const { tus } = await attached()
    expect(() => tus.attach(server as Server, { path })).toThrow(TypeError)
  })

  it.each(['', 'files', 'http://a/files', '/a b'])('has no path %j', async (path) => {
    const { tus, server } = await attached()
    expect(() => tus.attach(server, { path })).toThrow(/path must/)
  })
})

describe('an attached connection', () => {
  it('takes a body that comes in pieces, and what is pipelined behind it', async () => {
    const { port, url } = await attached()
    const path = await pathOf(url)
    const client = new Client(port).send(append(path, 0, 6))
    for (const piece of ['ab', 'cd']) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      client.send(piece)
    }
    client.send(`ef${append(path, 6, 4)}ghij${query(path)}${query('/elsewhere')}${query(path)}`)
    await client.answered('204', '204', '200', '404', '200')
    expect(client.received).toMatch(/Upload-Offset: 10\r\n/)
  })

  it('is used again after refusals, and keeps no listeners', async () => {
    const { port, url, server } = await attached()
    const path = await pathOf(url, 1000)
    const sockets: Socket[] = []
    server.on('connection', (socket: Socket) => sockets.push(socket))
    const client = new Client(port)
    const counts = new Set<number>()
    for (let i = 0; i < 50; i++) {
      client.received = ''
      await client.send(`${append(path, i % 2 ? 999 : i / 2, 1)}a`).answered(i % 2 ? '409' : '204')
      const [socket] = sockets
      counts.add(socket?.eventNames().reduce((n, name) => n + socket.listenerCount(name), 0) ?? -1)
    }
    expect(sockets).toHaveLength(1)
    expect(counts.size).toBe(1)
    expect(await offsetOf(url + path.slice('/files/'.length))).toBe(25)
  })

  it('answers a client that has ended its side', async () => {
    const { port, url } = await attached()
    const path = await pathOf(url)
    const client = new Client(port, { allowHalfOpen: true })
    client.socket.end(`${append(path, 0, 10)}0123456789`)
    await client.answered('204')
    await client.ended()
  })

  it('keeps what came before the client ended its side', async () => {
    const { port, url } = await attached()
    const path = await pathOf(url)
    const client = new Client(port, { allowHalfOpen: true })
    client.socket.end(`${append(path, 0, 10)}0123`)
    await client.answered('400')
    await client.ended()
    expect(await offsetOf(url + path.slice('/files/'.length))).toBe(4)
  })

  it('is over when the client says so', async () => {
    const { port } = await attached()
    const client = new Client(port).send(query('/files/x', 'Connection: close\r\n'))
    await client.ended()
    expect(client.received).toMatch(/\r\nConnection: close\r\n/)
  })

  it('waits for the next request as long as the server says, and while it has work', async () => {
    const steps: (() => void)[] = []
    const onCreate = (): Promise<undefined> =>
      new Promise((resolve) => steps.push(() => resolve(undefined)))
    const { port } = await attached({ app: { onCreate }, server: { keepAliveTimeout: 1 } })
    const idle = new Client(port).send(query('/files/x'))
    await idle.answered('404')
    const busy = new Client(port).send(query('/files/x'))
    await busy.answered('404')
    busy.send(creation)
    await idle.ended()
    expect(busy.closed).toBe(false)
    steps[0]?.()
    await busy.answered('404', '201')
    await busy.ended()
  })

  it('does not wait for ever for its first request', async () => {
    const { port } = await attached({ server: { headersTimeout: 50 } })
    await new Client(port).ended()
  })

  it('reads no further while the client does not read', async () => {
    const { server, answers } = await attached()
    let read: (() => void) | undefined
    class SlowSocket extends Socket {
      override _write(_chunk: unknown, _encoding: string, done: () => void): void {
        read = done
      }
    }
    const socket = new SlowSocket()
    onTestFinished(() => void socket.destroy())
    server.emit('connection', socket)
    socket.push(query('/files/x').repeat(1000))
    await expect.poll(() => socket.writableNeedDrain).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    const { length } = answers
    expect(length).toBeGreaterThan(10)
    expect(length).toBeLessThan(200)
    const drained = once(socket, 'drain')
    while (socket.writableNeedDrain) read?.()
    await drained
    await expect.poll(() => answers.length).toBeGreaterThan(length)
  })

  it('that waits for a request ends with the app, one at work with its answer', async () => {
    const steps: (() => void)[] = []
    const onCreate = (): Promise<undefined> =>
      new Promise((resolve) => steps.push(() => resolve(undefined)))
    const { port, tus } = await attached({ app: { onCreate } })
    const idle = new Client(port).send(query('/files/x'))
    await idle.answered('404')
    const busy = new Client(port).send(creation)
    await expect.poll(() => steps.length).toBe(1)
    const closed = tus.close()
    await idle.ended()
    steps[0]?.()
    await closed
    await busy.ended()
    expect(busy.received).toMatch(/^HTTP\/1\.1 (?:201|503)[\s\S]*\r\nConnection: close\r\n/)
  })

  it('ends with its answer when the server accepts no more', async () => {
    const { port, server } = await attached()
    const client = new Client(port).send(query('/files/x'))
    await client.answered('404')
    server.close()
    await client.send(query('/files/x')).ended()
    expect(client.statuses).toEqual(['404', '404'])
  })
})

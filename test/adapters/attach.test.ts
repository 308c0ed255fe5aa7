/** A server whose usual requests go past the objects of `node:http`. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer, Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
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
  readonly server?: Partial<Server>
  readonly maxHeaderSize?: number
  readonly onAnswer?: (answer: AttachedAnswer) => void
}

async function attached({ maxHeaderSize, ...settings }: Settings = {}): Promise<Attached> {
  const root = await temporaryDirectory()
  const storage = new FilesystemStorage({ directory: join(root, 'uploads'), fsync: false })
  const tus = new TusApp({ storage, completedDir: join(root, 'completed'), ...settings.app })
  const listened: string[] = []
  const answers: AttachedAnswer[] = []
  const limits = maxHeaderSize === undefined ? {} : { maxHeaderSize }
  const server = createServer({ requestTimeout: 0, ...limits }, tus.listener)
  server.on('checkContinue', tus.checkContinue)
  server.on('request', ({ method, url }: IncomingMessage) => void listened.push(`${method} ${url}`))
  Object.assign(server, settings.server)
  const { onAnswer = (answer) => void answers.push(answer) } = settings
  tus.attach(server, { path: '/files/', onAnswer })
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
      query('/files/nothing', 'X-HTTP-Method-Override: PATCH\r\n'),
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
    expect(direct.statuses).toEqual(['200', '409', '404', '404', '201', '200'])
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
    const { socket, read } = stuckSocket()
    server.emit('connection', socket)
    socket.push(query('/files/x').repeat(1000))
    await expect.poll(() => socket.writableNeedDrain).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    const { length } = answers
    expect(length).toBeGreaterThan(10)
    expect(length).toBeLessThan(200)
    const drained = once(socket, 'drain')
    while (socket.writableNeedDrain) read()
    await drained
    await expect.poll(() => answers.length).toBeGreaterThan(length)
  })

  it('ends without an answer that nobody makes room for', async () => {
    const { server, answers } = await attached({ server: { keepAliveTimeout: 50 } })
    const { socket } = stuckSocket()
    server.emit('connection', socket)
    socket.push(query('/files/x').repeat(1000))
    await expect.poll(() => socket.writableNeedDrain).toBe(true)
    // The time to send the next request, and the time to make room.
    await expect.poll(() => socket.destroyed, { timeout: 5000 }).toBe(true)
    expect(answers.length).toBeLessThan(200)
  })

  it('ends after its last answer, whatever the client does', async () => {
    const { server, answers } = await attached()
    const { socket } = stuckSocket()
    server.emit('connection', socket)
    socket.push(`${append('/files/x', 0, 2 ** 40)}abc`)
    await expect.poll(() => answers.length).toBe(1)
    const sending = setInterval(() => socket.push('more'), 50)
    await expect.poll(() => socket.destroyed, { timeout: 5000 }).toBe(true)
    clearInterval(sending)
  })

  it('does nothing more for a client that has reset it', async () => {
    const steps: (() => void)[] = []
    const onCreate = (): Promise<undefined> =>
      new Promise((resolve) => steps.push(() => resolve(undefined)))
    const { port, server, answers, listened } = await attached({ app: { onCreate } })
    const failures: unknown[] = []
    server.on('clientError', (error) => failures.push(error))
    const client = new Client(port)
    client.send(`${creation}${creation}OPTIONS /files/ HTTP/1.1\r\nHost: h\r\n\r\n`)
    await expect.poll(() => steps.length).toBe(1)
    client.socket.resetAndDestroy()
    const connections = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
    await expect.poll(connections).toBe(0)
    steps[0]?.()
    await expect.poll(() => answers.length).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(answers).toMatchObject([{ status: 201, sent: false }])
    expect([steps.length, listened, failures]).toEqual([1, [], []])
  })

  it('answers what was pipelined before the client ended its side', async () => {
    const { port } = await attached()
    const client = new Client(port, { allowHalfOpen: true })
    client.socket.end(query('/files/x').repeat(3))
    await client.answered('404', '404', '404')
    await client.ended()
  })

  it('that breaks off is answered at once', async () => {
    const { port, url } = await attached()
    const client = new Client(port, { allowHalfOpen: true })
    const path = await pathOf(url)
    const begun = performance.now()
    client.socket.end(`${append(path, 3, 10)}0123`)
    await client.ended()
    expect(client.statuses).toEqual(['409'])
    // Nothing is waited for: what would be dropped cannot come.
    expect(performance.now() - begun).toBeLessThan(400)
  })

  it('goes on when onAnswer fails', async () => {
    const errors: string[] = []
    const logger = { info() {}, warn() {}, error: (message: string) => void errors.push(message) }
    const onAnswer = (): never => {
      throw new Error('made up')
    }
    const { port } = await attached({ app: { logger }, onAnswer })
    await new Client(port).send(query('/files/x').repeat(2)).answered('404', '404')
    expect(errors).toEqual(['onAnswer failed', 'onAnswer failed'])
  })
})

describe('the end of an attached server', () => {
  it('ends connections that wait for a request, and one at work with its answer', async () => {
    const steps: (() => void)[] = []
    const onCreate = (): Promise<undefined> =>
      new Promise((resolve) => steps.push(() => resolve(undefined)))
    const { port, server } = await attached({ app: { onCreate } })
    const idle = new Client(port).send(query('/files/x'))
    await idle.answered('404')
    const fresh = new Client(port)
    const busy = new Client(port).send(creation)
    await expect.poll(() => steps.length).toBe(1)
    const closed = once(server, 'close')
    server.close()
    await Promise.all([idle.ended(), fresh.ended()])
    steps[0]?.()
    await busy.ended()
    expect(busy.received).toMatch(/^HTTP\/1\.1 201 [\s\S]*\r\nConnection: close\r\n/)
    await closed
  })

  it('can cut connections at work', async () => {
    const onCreate = (): Promise<undefined> => new Promise(() => undefined)
    const { port, server } = await attached({ app: { onCreate } })
    const busy = new Client(port).send(creation)
    await once(busy.socket, 'connect')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
    await busy.ended()
  })

  it('is not there for a server that gets its connections from elsewhere', async () => {
    const { server, answers } = await attached()
    const other = createServer(() => undefined)
    const own = createNetServer((socket) => void other.emit('connection', socket))
    const root = await temporaryDirectory()
    const storage = new FilesystemStorage({ directory: join(root, 'uploads'), fsync: false })
    const tus = new TusApp({ storage, completedDir: join(root, 'completed') })
    tus.attach(other, { path: '/files/' })
    own.listen(0, '127.0.0.1')
    await once(own, 'listening')
    onTestFinished(async () => {
      own.close()
      other.closeAllConnections()
      await tus.close()
      await storage.close()
    })
    const client = new Client((own.address() as AddressInfo).port)
    await client.send(query('/files/x')).answered('404')
    await client.send(query('/files/x')).answered('404', '404')
    expect(client.received).not.toMatch(/Connection: close/)
    expect([server.listening, answers]).toEqual([true, []])
  })
})

describe('what only the parser knows', () => {
  it.each([
    ['a limit of requests', { maxRequestsPerSocket: 2 }],
    ['a limit of fields', { maxHeadersCount: 100 }],
    ['an idle timeout', { timeout: 60_000 }],
  ])('is left to it: %s', async (_what, limits) => {
    const { port, listened } = await attached({ server: limits })
    await new Client(port).send(query('/files/x')).answered('404')
    expect(listened).toEqual(['HEAD /files/x'])
  })

  it('decides about heads that are longer than its limit', async () => {
    const { port } = await attached({ maxHeaderSize: 4096 })
    await new Client(port).send(query('/files/x', `X: ${'x'.repeat(5000)}\r\n`)).answered('431')
  })

  it('is TLS: its bytes come through another socket', async () => {
    const { server, url, listened } = await attached()
    // A secret that both know: no certificate is needed for it.
    const psk = randomBytes(16)
    const cipher = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
    const tls = createTlsServer({ ...cipher, pskCallback: () => psk })
    tls.on('secureConnection', (socket) => void server.emit('connection', socket))
    tls.listen(0, '127.0.0.1')
    await once(tls, 'listening')
    onTestFinished(() => void tls.close())
    const { port } = tls.address() as AddressInfo
    const body = randomBytes(8 * 2 ** 20)
    const path = await pathOf(url, body.byteLength)
    const pskCallback = () => ({ psk, identity: 'test' })
    const checkServerIdentity = () => undefined
    const to = { port, host: '127.0.0.1' }
    const socket = connectTls({ ...to, ...cipher, pskCallback, checkServerIdentity })
    onTestFinished(() => void socket.destroy())
    let answer = ''
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
    })
    socket.write(append(path, 0, body.byteLength))
    socket.write(body)
    await expect.poll(() => answer, { timeout: 10_000 }).toMatch(/^HTTP\/1.1 204 /)
    expect(listened).toContain(`PATCH ${path}`)
  })
})

describe('two apps at one server', () => {
  it('have a path each', async () => {
    const { server, port, answers } = await attached()
    const root = await temporaryDirectory()
    const storage = new FilesystemStorage({ directory: join(root, 'uploads'), fsync: false })
    const tus = new TusApp({ storage, completedDir: join(root, 'completed') })
    const others: string[] = []
    tus.attach(server, { path: '/other/', onAnswer: ({ target }) => others.push(target) })
    onTestFinished(async () => {
      await tus.close()
      await storage.close()
    })
    await new Client(port).send(query('/other/x')).answered('404')
    await new Client(port).send(query('/files/x')).answered('404')
    expect([others, answers.map(({ target }) => target)]).toEqual([['/other/x'], ['/files/x']])
  })
})

/** A connection whose client never reads. */
function stuckSocket(): { socket: Socket; read(): void } {
  let release: (() => void) | undefined
  class StuckSocket extends Socket {
    override _write(_chunk: unknown, _encoding: string, done: () => void): void {
      release = done
    }
  }
  const socket = new StuckSocket()
  onTestFinished(() => void socket.destroy())
  return { socket, read: () => release?.() }
}

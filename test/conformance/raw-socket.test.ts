/** What arrives on a connection that no HTTP client would send, or none that is well. @module */
import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Send, ServerOptions, TestResponse } from './exchange.ts'
import { RawConnection, sendRaw } from './raw-socket.ts'
import {
  end,
  listen,
  type OpenApp,
  type OpenAppFunction,
  STORAGES,
  WAYS,
  type Way,
} from './servers.ts'
import { sendOverHttp } from './transports.ts'

const TUS = 'Tus-Resumable: 1.0.0'
const OCTETS = 'Content-Type: application/offset+octet-stream'

for (const [name, open] of Object.entries(STORAGES)) {
  for (const way of WAYS) {
    const title = `raw socket: ${name}${way.attached ? ', attached' : ''}`
    describe(title, () => describeRawSocket(open, way))
  }
}

interface Served {
  readonly port: number
  readonly send: Send
  /** Waits, without a request that would interrupt the one under way, for bytes to be stored. */
  readonly stored: (path: string, offset: number) => Promise<void>
}

function describeRawSocket(open: OpenAppFunction, way: Way): void {
  let app: OpenApp
  let server: Server
  let served: Served

  beforeAll(async () => {
    app = await open({})
    const listening = await listen(app, way)
    server = listening.server
    const stored = async (path: string, offset: number): Promise<void> => {
      const id = path.slice(path.lastIndexOf('/') + 1)
      const stands = async () => (await app.storage.info(id)).offset
      await expect.poll(stands, { timeout: 4_000 }).toBe(offset)
    }
    served = { port: listening.port, send: sendOverHttp(listening.port), stored }
  })

  afterAll(() => end(server, app))

  describe('framing', () => describeFraming(() => served))
  describe('framing that a lenient parser lets through', () => describeLenientParser(open))
  describe('host', () => describeHost(() => served))
  describe('target', () => describeTarget(() => served))
  describe('expect', () => describeExpect(() => served))
  describe('connection', () => describeConnection(() => served))
  describe('limits', () => describeDefaultLimit(open))
}

function describeFraming(served: () => Served): void {
  const framings = {
    'two lengths': ['Content-Length: 3', 'Content-Length: 4'],
    'a list of lengths': ['Content-Length: 3, 4'],
    'a length that is no number': ['Content-Length: three'],
    'a negative length': ['Content-Length: -3'],
    'a signed length': ['Content-Length: +3'],
    'a length and chunks': ['Content-Length: 3', 'Transfer-Encoding: chunked'],
    'an unknown coding': ['Transfer-Encoding: banana'],
  }
  it.each(Object.entries(framings))('refuses %s and stores nothing', async (_name, fields) => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const response = await sendRaw(port, ...patch(path, 5, fields), 'wor')
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.status).toBeLessThan(500)
    expect(await offsetOf(send, path)).toBe(5)
  })

  it.each(['gzip, chunked', 'deflate, gzip, Chunked'])(
    'refuses a body that is coded by %s, which nothing here undoes',
    async (coding) => {
      const { port, send } = served()
      const path = await upload(send, 'hello')
      const fields = [`Transfer-Encoding: ${coding}`]
      const response = await sendRaw(port, ...patch(path, 5, fields), '3', 'wor', '0', '', '')
      expect(response.status).toBe(415)
      expect(response.fields['tussi-error']).toBe('ERR_INVALID_CONTENT_TYPE')
      expect(await offsetOf(send, path)).toBe(5)
    },
  )

  it('refuses a field value with a control character', async () => {
    const { port } = served()
    const response = await sendRaw(port, ...post(['Upload-Length: 1\x000']), '')
    expect(response.status).toBe(400)
  })

  it('leaves out a pair of metadata with bytes beyond ASCII', async () => {
    const { port, send } = served()
    const response = await sendRaw(
      port,
      ...post(['Upload-Length: 10', 'Upload-Metadata: \xe4 YQ==,b \xff,c Yw==']),
      '',
    )
    expect(response.status).toBe(201)
    const { fields } = await head(send, pathOf(response))
    expect(fields['upload-metadata']).toBe('c Yw==')
  })

  it('keeps what arrived before a chunk that is none', async () => {
    const { port, send, stored } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Transfer-Encoding: chunked']), '3', 'wor', '')
    await stored(path, 8)
    await connection.send('zz', 'XX', '')
    await connection.receive()
    await connection.cut()
    await expect.poll(() => offsetOf(send, path), { timeout: 4_000 }).toBe(8)
  })

  it('keeps what arrived before the connection was cut', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Content-Length: 5']), 'wor')
    await connection.cut()
    await expect.poll(() => offsetOf(send, path), { timeout: 4_000 }).toBe(8)
  })

  it('goes on after a cut where it ended', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Content-Length: 5']), 'wor')
    await connection.cut()
    const offset = await offsetOf(send, path)
    const rest = 'world'.slice(offset - 5)
    const response = await sendRaw(port, ...patch(path, offset, lengthOf(rest)), rest)
    expect(response).toMatchObject({ status: 204, fields: { 'upload-offset': '10' } })
  })

  it('tells the true offset when later bytes are more than the length', async () => {
    const { port, send, stored } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Transfer-Encoding: chunked']), '3', 'wor', '')
    await stored(path, 8)
    await connection.send('3', 'XXX', '0', '', '')
    const [response] = await connection.receive()
    await connection.cut()
    expect(response?.status).toBe(413)
    const offset = await offsetOf(send, path)
    expect(response?.fields['upload-offset'] ?? `${offset}`).toBe(`${offset}`)
  })
}

function describeLenientParser(open: OpenAppFunction): void {
  it('refuses a length together with chunks and stores nothing', async () => {
    const app = await open({})
    const { server, port } = await listen(app, { insecureHTTPParser: true })
    onTestFinished(() => end(server, app))
    const send = sendOverHttp(port)
    const path = await upload(send, 'hello')
    const fields = ['Content-Length: 3', 'Transfer-Encoding: chunked']
    const response = await sendRaw(port, ...patch(path, 5, fields), '3', 'wor', '0', '', '')
    expect(response.status).toBe(400)
    expect(JSON.parse(response.body)).toMatchObject({ code: 'ERR_INVALID_CONTENT_LENGTH' })
    expect(await offsetOf(send, path)).toBe(5)
  })
}

function describeHost(served: () => Served): void {
  const bad = ['a b', 'user@host', 'host/path', 'ho"st', '<host>', '[::1', 'host:99999', 'host:x']
  it.each(bad)('refuses the host %s and creates nothing', async (host) => {
    const { port } = served()
    const response = await sendRaw(port, ...post(['Upload-Length: 10'], { host }), '')
    expect(response.status).toBe(400)
    expect(response.fields.location).toBeUndefined()
    expect(JSON.parse(response.body)).toMatchObject({ code: 'ERR_INVALID_HOST' })
  })

  const good = ['[::1]:8080', 'EXAMPLE.org:80', 'a_b.example', 'localhost', '192.0.2.1:1']
  it.each(good)('takes the host %s into the location', async (host) => {
    const { port } = served()
    const response = await sendRaw(port, ...post(['Upload-Length: 10'], { host }), '')
    expect(response.status).toBe(201)
    expect(response.fields.location).toMatch(/^http:\/\/[^/]+\/files\/[0-9a-f-]{36}$/)
    expect(response.fields.location).toContain(`//${host}/`)
  })

  it('refuses two hosts', async () => {
    const { port } = served()
    const fields = ['Upload-Length: 10', 'Host: evil.example']
    expect((await sendRaw(port, ...post(fields), '')).status).toBe(400)
  })

  it('refuses HTTP/1.1 without a host', async () => {
    const { port } = served()
    const lines = ['POST /files/ HTTP/1.1', TUS, 'Upload-Length: 10', '', '']
    expect((await sendRaw(port, ...lines)).status).toBe(400)
  })

  it('answers HTTP/1.0 without a host with a path', async () => {
    const { port } = served()
    const lines = ['POST /files/ HTTP/1.0', TUS, 'Upload-Length: 10', '', '']
    const response = await sendRaw(port, ...lines)
    expect(response.status).toBe(201)
    expect(response.fields.location).toMatch(/^\/files\/[0-9a-f-]{36}$/)
  })

  it('serves an upload over HTTP/1.0 without a host', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const response = await sendRaw(port, `HEAD ${path} HTTP/1.0`, TUS, '', '')
    expect(response).toMatchObject({ status: 200, fields: { 'upload-offset': '5' } })
  })
}

function describeTarget(served: () => Served): void {
  it('takes the authority of an absolute target, not the host (RFC 9112, 3.2.2)', async () => {
    const { port } = served()
    const target = 'http://public.example:8080/files/'
    const response = await sendRaw(port, ...post(['Upload-Length: 10'], { target }), '')
    expect(response.status).toBe(201)
    expect(response.fields.location).toMatch(
      /^http:\/\/public\.example:8080\/files\/[0-9a-f-]{36}$/,
    )
  })

  it('finds an upload by an absolute target', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const response = await sendRaw(
      port,
      `HEAD http://public.example${path}?a=b HTTP/1.1`,
      'Host: public.example',
      TUS,
      '',
      '',
    )
    expect(response).toMatchObject({ status: 200, fields: { 'upload-offset': '5' } })
  })

  it('never reads a path as the name of a host', async () => {
    const { port } = served()
    const response = await sendRaw(
      port,
      ...post(['Upload-Length: 10'], { target: '//evil.example/files/' }),
      '',
    )
    expect(response.fields.location ?? '').not.toMatch(/^(?:https?:)?\/\/evil\.example/)
    expect(response.status).toBeLessThan(500)
  })

  it('answers OPTIONS for the whole server', async () => {
    const { port } = served()
    const response = await sendRaw(port, 'OPTIONS * HTTP/1.1', 'Host: a.example', '', '')
    expect(response).toMatchObject({ status: 204, fields: { 'tus-version': '1.0.0' } })
  })
}

function describeExpect(served: () => Served): void {
  const EXPECT = 'Expect: 100-continue'

  it('asks for the body of an append that it will take', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Content-Length: 3', EXPECT]), '')
    expect((await connection.receive())[0]?.status).toBe(100)
    await connection.send('wor')
    expect((await connection.receive(2))[1]).toMatchObject({
      status: 204,
      fields: { 'upload-offset': '8' },
    })
    await connection.cut()
  })

  it.each([
    ['a wrong offset', 3, 'Content-Length: 3', 409],
    ['more bytes than the length', 5, 'Content-Length: 6', 413],
    ['more bytes than the limit', 5, 'Content-Length: 10485761', 413],
  ])('refuses %s before the body', async (_name, offset, length, status) => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, offset, [length, EXPECT]), '')
    expect((await connection.receive())[0]?.status).toBe(status)
    await connection.cut()
    expect(await offsetOf(send, path)).toBe(5)
  })

  it('refuses another expectation', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const fields = ['Content-Length: 3', 'Expect: 200-ok']
    expect((await sendRaw(port, ...patch(path, 5, fields), 'wor')).status).toBe(417)
    expect(await offsetOf(send, path)).toBe(5)
  })
}

function describeConnection(served: () => Served): void {
  it('answers pipelined requests in order', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    const get = [`HEAD ${path} HTTP/1.1`, 'Host: a', TUS, '', '']
    await connection.send(
      [...patch(path, 5, ['Content-Length: 3']), 'wor'].join('\r\n') + get.join('\r\n'),
    )
    const [first, second] = await connection.receive(2)
    await connection.cut()
    expect(first).toMatchObject({ status: 204, fields: { 'upload-offset': '8' } })
    expect(second).toMatchObject({ status: 200, fields: { 'upload-offset': '8' } })
  })

  it('begins no pipelined request before the answer to the one before it (RFC 9112, 9.3.2)', async () => {
    const { port, send } = served()
    const path = await upload(send, '')
    const connection = new RawConnection(port)
    const get = [`HEAD ${path} HTTP/1.1`, 'Host: a', TUS, '', ''].join('\r\n')
    const append = (offset: number): string =>
      [...patch(path, offset, ['Content-Length: 2']), 'ab'].join('\r\n')
    await connection.send(append(0) + append(2) + get + append(4) + get)
    const responses = await connection.receive(5)
    await connection.cut()
    const offsets = responses.map(({ fields }) => fields['upload-offset'])
    expect(offsets).toEqual(['2', '4', '4', '6', '6'])
  })

  it('never reads the body of a refused request as a request', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    const body = ['DELETE /files/smuggled HTTP/1.1', 'Host: a', '', ''].join('\r\n')
    await connection.send(...patch(path, 3, lengthOf(body)), body)
    await connection.send(`HEAD ${path} HTTP/1.1`, 'Host: a', TUS, 'Connection: close', '', '')
    const [first, second, ...more] = await connection.receive(2)
    await expect.poll(() => connection.ended).toBe(true)
    expect(first?.status).toBe(409)
    expect([undefined, 200]).toContain(second?.status)
    expect(more).toEqual([])
  })

  it('tells a new connection what a stalled one has brought', async () => {
    const { port, send } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Content-Length: 5']), 'wor')
    await expect.poll(() => offsetOf(send, path), { timeout: 4_000 }).toBe(8)
    await connection.cut()
  })

  it('ends a stalled request for a new one, with the true offset', async () => {
    const { port, send, stored } = served()
    const path = await upload(send, 'hello')
    const connection = new RawConnection(port)
    await connection.send(...patch(path, 5, ['Content-Length: 5']), 'wor')
    await stored(path, 8)
    const response = await sendRaw(port, ...patch(path, 8, ['Content-Length: 2']), 'ld')
    expect(response).toMatchObject({ status: 204, fields: { 'upload-offset': '10' } })
    expect((await connection.receive())[0]).toMatchObject({
      status: 409,
      fields: {
        'upload-offset': '8',
        'tussi-error': 'ERR_UPLOAD_INTERRUPTED',
        connection: 'close',
      },
    })
    await connection.cut()
  })

  it('lets a client that is still sending read the refusal', async () => {
    const { send } = served()
    const path = await upload(send, 'hello')
    const response = await send({
      method: 'PATCH',
      path,
      fields: {
        'Tus-Resumable': '1.0.0',
        'Content-Type': 'application/offset+octet-stream',
        'Upload-Offset': '3',
      },
      body: Buffer.alloc(8 * 2 ** 20),
    })
    expect(response).toMatchObject({ status: 409, fields: { 'upload-offset': '5' } })
  })

  it('still serves after all that', async () => {
    const { send } = served()
    expect(await offsetOf(send, await upload(send, 'hello'))).toBe(5)
  })
}

function describeDefaultLimit(open: OpenAppFunction): void {
  const LIMIT = 10_485_760

  it('refuses more than 10 MiB by Content-Length', async () => {
    const { send, path } = await serveLarge(open, {})
    const response = await send(large(path, LIMIT + 1, { chunked: false }))
    expect(response.status).toBe(413)
    expect(JSON.parse(response.body).detail).toMatch(/10485760.*chunk ?size/i)
    expect(await offsetOf(send, path)).toBe(0)
  })

  it('refuses more than 10 MiB in chunks', async () => {
    const { send, path } = await serveLarge(open, {})
    const response = await send(large(path, LIMIT + 1, { chunked: true }))
    expect(response.status).toBe(413)
    expect(JSON.parse(response.body)).toMatchObject({ code: 'ERR_CHUNK_SIZE_EXCEEDED' })
    expect(await offsetOf(send, path)).toBeLessThanOrEqual(LIMIT)
  })

  it('takes 10 MiB', async () => {
    const { send, path } = await serveLarge(open, {})
    const response = await send(large(path, LIMIT, { chunked: true }))
    expect(response).toMatchObject({ status: 204, fields: { 'upload-offset': `${LIMIT}` } })
  })
}

async function serveLarge(
  open: OpenAppFunction,
  options: ServerOptions,
): Promise<{ readonly send: Send; readonly path: string }> {
  const app = await open(options)
  const { server, port } = await listen(app)
  onTestFinished(() => end(server, app))
  const send = sendOverHttp(port)
  return { send, path: pathOf(await create(send, 20 * 2 ** 20)) }
}

function large(path: string, bytes: number, { chunked }: { readonly chunked: boolean }) {
  const fields = {
    'Tus-Resumable': '1.0.0',
    'Content-Type': 'application/offset+octet-stream',
    'Upload-Offset': '0',
  }
  return { method: 'PATCH', path, fields, body: Buffer.alloc(bytes), chunked }
}

function post(
  fields: readonly string[],
  {
    host = 'a.example',
    target = '/files/',
  }: { readonly host?: string; readonly target?: string } = {},
): string[] {
  return [`POST ${target} HTTP/1.1`, `Host: ${host}`, TUS, ...fields, 'Content-Length: 0', '']
}

function patch(path: string, offset: number, fields: readonly string[]): string[] {
  const own = [TUS, OCTETS, `Upload-Offset: ${offset}`]
  return [`PATCH ${path} HTTP/1.1`, 'Host: a.example', ...own, ...fields, '']
}

function lengthOf(body: string): string[] {
  return [`Content-Length: ${body.length}`]
}

function create(send: Send, length: number): Promise<TestResponse> {
  const fields = { 'Tus-Resumable': '1.0.0', 'Upload-Length': `${length}` }
  return send({ method: 'POST', path: '/files/', fields })
}

/** Creates an upload of length 10 that has received `sent`; resolves with its path. */
async function upload(send: Send, sent: string): Promise<string> {
  const path = pathOf(await create(send, 10))
  const fields = {
    'Tus-Resumable': '1.0.0',
    'Content-Type': 'application/offset+octet-stream',
    'Upload-Offset': '0',
  }
  await send({ method: 'PATCH', path, fields, body: Buffer.from(sent) })
  return path
}

function pathOf({ status, fields, body }: TestResponse): string {
  if (!fields.location) throw new Error(`no upload: ${status} ${body}`)
  return new URL(fields.location, 'http://relative.test').pathname
}

function head(send: Send, path: string): Promise<TestResponse> {
  return send({ method: 'HEAD', path, fields: { 'Tus-Resumable': '1.0.0' } })
}

async function offsetOf(send: Send, path: string): Promise<number> {
  return Number((await head(send, path)).fields['upload-offset'])
}

/** The examples, each started as its reader would and used through its prefix and its token. @module */
import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Upload } from 'tus-js-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Running, start } from '../run.ts'
import { idOf, metadata, sha256Of, TUS, temporaryDirectory } from '../serve.ts'

const AUTHORIZED = { Authorization: 'Bearer secret' } as const
const PATCH = { 'Content-Type': 'application/offset+octet-stream' } as const

interface Answer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly body: string
}

type Body = Uint8Array | Readable | undefined
type Send = (
  method: string,
  path: string,
  fields?: Readonly<Record<string, string>>,
  body?: Body,
) => Promise<Answer>

interface Example {
  readonly running: Running
  readonly origin: string
  readonly root: string
  readonly send: Send
}

async function startExample(name: string, root: string): Promise<Example> {
  const script = new URL(`../../examples/${name}/server.mjs`, import.meta.url).pathname
  const env = {
    PORT: '0',
    UPLOAD_DIR: join(root, 'uploads'),
    COMPLETED_DIR: join(root, 'completed'),
    DEST_DIR: join(root, 'dest'),
    TOKEN: 'secret',
  }
  const running = start(process.execPath, [script], { cwd: root, env })
  const [, origin = ''] = await running.until(/listening on (\S+)/)
  return {
    running,
    origin,
    root,
    send: name === 'node-http2' ? overHttp2(origin) : overHttp(origin),
  }
}

function overHttp(origin: string): Send {
  return async (method, path, fields = {}, body) => {
    const response = await fetch(new URL(path, origin), {
      method,
      headers: fields,
      ...(body && {
        body: (body instanceof Readable ? Readable.toWeb(body) : body) as Uint8Array<ArrayBuffer>,
      }),
      duplex: 'half',
    } as RequestInit)
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined
    return { status: response.status, header, body: await response.text() }
  }
}

function overHttp2(origin: string): Send {
  return (method, path, fields = {}, body) =>
    new Promise((resolve, reject) => {
      const session = connect(origin)
      onTestFinished(() => session.destroy())
      session.on('error', reject)
      const stream = session.request({ ':method': method, ':path': path, ...fields })
      let headers: IncomingHttpHeaders = {}
      let text = ''
      stream.on('response', (received) => {
        headers = received
      })
      stream.on('data', (chunk) => {
        text += chunk
      })
      stream.on('error', reject)
      stream.on('end', () => {
        session.close()
        const header = (name: string): string | undefined => headers[name]?.toString()
        resolve({ status: Number(headers[':status']), header, body: text })
      })
      // Piece by piece: a session refuses to hold a large body as a whole.
      if (body) (body instanceof Readable ? body : Readable.from(pieces(body))).pipe(stream)
      else stream.end()
    })
}

function* pieces(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536)
}

async function create({ send }: Example, length: number): Promise<string> {
  const answer = await send('POST', '/api/files/', {
    ...TUS,
    ...AUTHORIZED,
    'Upload-Length': `${length}`,
    'Upload-Metadata': metadata({ filename: 'a.bin' }),
  })
  expect(answer.status).toBe(201)
  return answer.header('location') ?? ''
}

function append({ send }: Example, location: string, offset: number, body: Body): Promise<Answer> {
  const fields = { ...TUS, ...AUTHORIZED, ...PATCH, 'Upload-Offset': `${offset}` }
  return send('PATCH', new URL(location).pathname, fields, body)
}

function ask({ send }: Example, location: string): Promise<Answer> {
  return send('HEAD', new URL(location).pathname, { ...TUS, ...AUTHORIZED })
}

async function savedAs({ root }: Example, location: string): Promise<string> {
  const dest = join(root, 'dest')
  await expect.poll(() => readdir(dest), { timeout: 10_000 }).toContain(idOf(location))
  return sha256Of(await readFile(join(dest, idOf(location))))
}

describe.each(['node-http', 'node-http2', 'express', 'fastify', 'hono'])('example %s', (name) => {
  const open = async (): Promise<Example> => startExample(name, await temporaryDirectory())

  it('asks for a token, but not of a preflight', async () => {
    const { send } = await open()
    const refused = await send('POST', '/api/files/', { ...TUS, 'Upload-Length': '1' })
    expect(refused.status).toBe(401)
    // Or a page would see a network error, which it repeats.
    expect(refused.header('access-control-allow-origin')).toBe('*')
    const preflight = await send('OPTIONS', '/api/files/', {
      Origin: 'https://app.example',
      'Access-Control-Request-Method': 'POST',
    })
    expect(preflight.status).toBe(204)
    expect(preflight.header('access-control-allow-methods')).toMatch(/PATCH/)
  })

  it('receives in pieces below its prefix, and its worker saves', async () => {
    const example = await open()
    const data = randomBytes(1_500_000)
    const location = await create(example, data.length)
    expect(location.startsWith(`${example.origin}/api/files/`)).toBe(true)
    expect(await append(example, location, 0, data.subarray(0, 500_000))).toMatchObject({
      status: 204,
    })
    expect((await ask(example, location)).header('upload-offset')).toBe('500000')
    expect(await append(example, location, 500_000, data.subarray(500_000))).toMatchObject({
      status: 204,
    })
    expect(await savedAs(example, location)).toBe(sha256Of(data))
  })

  it('passes on every method that tussi announces', async () => {
    const { send } = await open()
    const fields = { ...AUTHORIZED, 'Upload-Complete': '?0' }
    const made = await send('PUT', '/api/files/', fields, randomBytes(5))
    expect(made.status).toBe(201)
    const { pathname } = new URL(made.header('location') ?? '')
    const asked = await send('GET', pathname, AUTHORIZED)
    expect(asked.header('upload-offset')).toBe('5')
    expect((await send('DELETE', pathname, AUTHORIZED)).status).toBe(204)
  })

  it('lets a client without a token read that while it is sending', async () => {
    const { send } = await open()
    for (let i = 0; i < 5; i++) {
      const fields = { ...TUS, ...PATCH, 'Upload-Offset': '0' }
      const answer = await send('PATCH', '/api/files/a', fields, randomBytes(20_000_000))
      expect(answer.status).toBe(401)
    }
  })

  it('lets a client read a refusal while it is sending', async () => {
    const example = await open()
    const location = await create(example, 30_000_000)
    const answer = await append(example, location, 5, randomBytes(20_000_000))
    expect(answer.status).toBe(409)
    expect(answer.header('upload-offset')).toBe('0')
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'ERR_MISMATCHED_OFFSET' })
  })

  // It speaks HTTP/1.1 only.
  if (name !== 'node-http2') {
    it('serves tus-js-client', async () => {
      const example = await open()
      const data = randomBytes(20_000_000)
      const source = join(example.root, 'source')
      await writeFile(source, data)
      const location = await new Promise<string>((resolve, reject) => {
        const upload = new Upload(data, {
          endpoint: `${example.origin}/api/files/`,
          headers: AUTHORIZED,
          chunkSize: 5 * 2 ** 20,
          onSuccess: () => resolve(upload.url ?? ''),
          onError: reject,
        })
        upload.start()
      })
      expect(await savedAs(example, location)).toBe(sha256Of(data))
    })
  }

  it('records what has arrived when it is told to end, and goes on afterwards', async () => {
    const example = await open()
    const data = randomBytes(900_000)
    const location = await create(example, data.length)
    const body = new Readable({ read() {} })
    body.push(data.subarray(0, 400_000))
    const sending = append(example, location, 0, body)
    const record = join(example.root, 'uploads', `${idOf(location)}.meta`)
    const offset = async (): Promise<number> => JSON.parse(await readFile(record, 'utf8')).offset
    await expect.poll(offset, { timeout: 10_000 }).toBe(400_000)
    expect(await example.running.stop('SIGTERM')).toMatchObject({ code: 0 })
    expect(await sending).toMatchObject({ status: 503 })
    body.destroy()
    const again = await startExample(name, example.root)
    const resumed = new URL(new URL(location).pathname, again.origin).href
    expect((await ask(again, resumed)).header('upload-offset')).toBe('400000')
    expect(await append(again, resumed, 400_000, data.subarray(400_000))).toMatchObject({
      status: 204,
    })
    expect(await savedAs(again, resumed)).toBe(sha256Of(data))
  })
})

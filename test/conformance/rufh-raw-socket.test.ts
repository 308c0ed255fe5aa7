/**
 * The IETF protocol on connections of their own: 104s as they come, clients that are cut off, and
 * requests that take over.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Send, TestResponse } from './exchange.ts'
import { RawConnection, sendRaw } from './raw-socket.ts'
import { appendAt } from './rufh-upload.ts'
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

const INTEROP = 'Upload-Draft-Interop-Version: 8'

for (const [name, open] of Object.entries(STORAGES)) {
  for (const way of WAYS) {
    const title = `IETF protocol, raw socket: ${name}${way.attached ? ', attached' : ''}`
    describe(title, () => describeRaw(open, way))
  }
}

interface Served {
  readonly app: OpenApp
  readonly port: number
  readonly send: Send
}

function describeRaw(open: OpenAppFunction, way: Way): void {
  let server: Awaited<ReturnType<typeof listen>>['server']
  let served: Served

  beforeAll(async () => {
    const app = await open({})
    const listening = await listen(app, way)
    server = listening.server
    served = { app, port: listening.port, send: sendOverHttp(listening.port) }
  })

  afterAll(() => end(server, served.app))

  describe('104', () => describeInformational(() => served))
  describe('a client that is cut off', () => describeCut(() => served))
  describe('take-over', () => describeTakeOver(() => served))
}

function describeInformational(served: () => Served): void {
  it('comes before a byte of the body (rufh-2)', async () => {
    const { port, send } = served()
    const { connection, path } = await begin(port, 5)
    const { status, fields } = await head(send, path)
    expect([status, fields['upload-offset']]).toEqual([204, '0'])
    await connection.cut()
  })

  it('has the place that the answer has (rufh-7)', async () => {
    const { port } = served()
    const { connection, location } = await begin(port, 5, '?0')
    await connection.send('hello')
    const [, answer] = await connection.receive(2)
    expect(answer).toMatchObject({ status: 201, fields: { location, 'upload-complete': '?0' } })
    await connection.cut()
  })

  it('has the place that a refusal has, where the upload stays (rufh-7)', async () => {
    const { port, send } = served()
    const { connection, location, path } = await begin(port, 5)
    await head(send, path)
    const [, answer] = await connection.receive(2)
    expect(answer).toMatchObject({ status: 409, fields: { location, 'upload-complete': '?0' } })
    await connection.cut()
  })

  it('is not sent to HTTP/1.0 (rufh-36)', async () => {
    const { port } = served()
    const response = await sendRaw(port, ...post(5).with(0, 'POST /files/ HTTP/1.0'), 'hello')
    expect(response).toMatchObject({ status: 201, fields: { 'upload-complete': '?1' } })
  })

  it('does not come instead of 100 (rufh-16)', async () => {
    const { port } = served()
    const connection = new RawConnection(port)
    await connection.send(...post(5, '?1', 'Expect: 100-continue'), '')
    const interim = await connection.receive(2)
    expect(interim.map(({ status }) => status)).toEqual([104, 100])
    await connection.send('hello')
    expect((await connection.receive(3))[2]?.status).toBe(201)
    await connection.cut()
  })

  it('tells of a slow append how far it is, and not where (rufh-15)', async () => {
    const { port, send } = served()
    const path = await create(send, 1_000_000)
    const connection = new RawConnection(port)
    const fields = Object.entries(appendAt(0, '?0')).map(([name, value]) => `${name}: ${value}`)
    const length = 'Content-Length: 1000000'
    await connection.send(`PATCH ${path} HTTP/1.1`, 'Host: a', INTEROP, ...fields, length, '', '')
    let sent = 0
    const trickle = async (): Promise<number> => {
      await connection.send('x'.repeat(1000))
      sent += 1000
      return connection.responses().length
    }
    await expect.poll(trickle, { timeout: 10_000, interval: 60 }).toBeGreaterThan(0)
    const [progress] = connection.responses()
    expect(progress).toMatchObject({
      status: 104,
      fields: { 'upload-draft-interop-version': '8', 'upload-offset': expect.any(String) },
    })
    expect(progress?.fields).not.toHaveProperty('location')
    const offset = Number(progress?.fields['upload-offset'])
    expect(offset).toBeGreaterThan(0)
    expect(offset).toBeLessThanOrEqual(sent)
    const now = Number((await head(send, path)).fields['upload-offset'])
    expect(now).toBeGreaterThanOrEqual(offset)
    await connection.cut()
  })
}

function describeCut(served: () => Served): void {
  it('goes on from the place that the 104 told, like URLSession (rufh-14)', async () => {
    const { app, port, send } = served()
    const { connection, path } = await begin(port, 10)
    await connection.send('hello')
    await stands(served(), path, 5)
    await connection.cut()
    const found = await head(send, path)
    expect(found).toMatchObject({
      status: 204,
      fields: { 'upload-offset': '5', 'upload-complete': '?0', 'upload-length': '10' },
    })
    const fields = { ...appendAt(5, '?1'), 'Upload-Draft-Interop-Version': '8' }
    const last = await send({ method: 'PATCH', path, fields, body: Buffer.from('world') })
    expect(last).toMatchObject({ status: 201, fields: { 'upload-complete': '?1' } })
    expect(await received(app, path)).toBe('helloworld')
  })

  it('has completed nothing, even with all bytes, without the end of its body (rufh-14)', async () => {
    const { port, send } = served()
    const connection = new RawConnection(port)
    const chunked = post(5).with(4, 'Transfer-Encoding: chunked')
    await connection.send(...chunked.toSpliced(4, 0, 'Upload-Length: 5'), '5', 'hello', '')
    const path = pathOf((await connection.receive())[0])
    await stands(served(), path, 5)
    await connection.cut()
    const { fields } = await head(send, path)
    expect([fields['upload-offset'], fields['upload-complete']]).toEqual(['5', '?0'])
  })

  it('leaves nothing behind when it never learned where', async () => {
    const { app, port } = served()
    const before = await ids(app)
    const connection = new RawConnection(port)
    await connection.send(...post(5).toSpliced(2, 1), 'he')
    await expect.poll(async () => (await ids(app)).length).toBe(before.length + 1)
    await connection.cut()
    await expect.poll(() => ids(app)).toEqual(before)
  })
}

function describeTakeOver(served: () => Served): void {
  it.each(['HEAD', 'GET'])(
    'by %s: the offset is true, and is accepted (rufh-19, rufh-28)',
    async (method) => {
      const { port, send } = served()
      const { connection, path } = await begin(port, 10)
      await connection.send('hello')
      await stands(served(), path, 5)
      const before = performance.now()
      const found = await send({ method, path, fields: {} })
      expect(performance.now() - before).toBeLessThan(1000)
      expect(found).toMatchObject({ status: 204, fields: { 'upload-offset': '5' } })
      const last = await send({
        method: 'PATCH',
        path,
        fields: appendAt(5, '?1'),
        body: Buffer.from('world'),
      })
      expect(last.status).toBe(201)
      await connection.cut()
    },
  )

  it('by an append: only one of two goes on (rufh-27)', async () => {
    const { app, send } = served()
    const path = await create(send, 10)
    const body = Buffer.from('helloworld')
    const append = { method: 'PATCH', path, fields: appendAt(0, '?1'), body }
    const answers = await Promise.all([send(append), send(append)])
    expect(answers.map(({ status }) => status)).toContain(201)
    expect(await received(app, path)).toBe('helloworld')
  })

  it('by DELETE: the transfer ends, and the upload is gone (rufh-26)', async () => {
    const { port, send } = served()
    const { connection, path } = await begin(port, 10)
    await connection.send('hello')
    await stands(served(), path, 5)
    expect((await send({ method: 'DELETE', path, fields: {} })).status).toBe(204)
    const [, ended] = await connection.receive(2)
    expect(ended).toMatchObject({ status: 410, fields: { connection: 'close' } })
    expect((await head(send, path)).status).toBe(410)
    await connection.cut()
  })
}

/** The head of a creation; the body comes after it. */
function post(length: number, complete = '?1', ...fields: readonly string[]): string[] {
  const own = ['Host: a.example', INTEROP, `Upload-Complete: ${complete}`]
  return ['POST /files/ HTTP/1.1', ...own, `Content-Length: ${length}`, ...fields, '']
}

/** Sends the head of a creation, and resolves with the place that the 104 tells. */
async function begin(
  port: number,
  length: number,
  complete?: string,
): Promise<{ connection: RawConnection; location: string; path: string }> {
  const connection = new RawConnection(port)
  await connection.send(...post(length, complete), '')
  const [interim] = await connection.receive()
  expect(interim).toMatchObject({
    status: 104,
    fields: { 'upload-draft-interop-version': '8', 'upload-limit': 'max-append-size=10485760' },
  })
  return { connection, location: interim?.fields.location ?? '', path: pathOf(interim) }
}

async function create(send: Send, length: number): Promise<string> {
  const fields = { 'Upload-Complete': '?0', 'Upload-Length': `${length}` }
  return pathOf(await send({ method: 'POST', path: '/files/', fields, body: Buffer.alloc(0) }))
}

function pathOf(response: Pick<TestResponse, 'fields'> | undefined): string {
  const { location } = response?.fields ?? {}
  if (!location) throw new Error(`no upload: ${JSON.stringify(response)}`)
  return new URL(location, 'http://relative.test').pathname
}

function head(send: Send, path: string): Promise<TestResponse> {
  return send({ method: 'HEAD', path, fields: { 'Upload-Draft-Interop-Version': '8' } })
}

/** Waits, without a request that would interrupt the one under way, for bytes to be stored. */
async function stands({ app }: Served, path: string, offset: number): Promise<void> {
  const id = path.slice(path.lastIndexOf('/') + 1)
  const stored = async (): Promise<number> => (await app.storage.info(id)).offset
  await expect.poll(stored, { timeout: 4_000 }).toBe(offset)
}

async function ids({ storage }: OpenApp): Promise<string[]> {
  const found: string[] = []
  for await (const { uploadId } of storage.list()) found.push(uploadId)
  return found.sort()
}

/** The bytes of the upload at `path`; whatever waits before it is done with, too. */
async function received({ tus, directory }: OpenApp, path: string): Promise<string> {
  const id = path.slice(path.lastIndexOf('/') + 1)
  for (;;) {
    const upload = await tus.waitForFile({ timeoutMs: 4_000 })
    const saved = await upload.save(join(directory, '..', 'saved'))
    await upload.acknowledge()
    if (upload.name === id) return await readFile(saved, 'utf8')
  }
}

/** Concatenation from the first part to the worker, over each storage. @module */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Send, TestResponse } from './exchange.ts'
import { type OpenApp, type OpenAppFunction, STORAGES } from './servers.ts'
import { sendToFetch } from './transports.ts'

for (const [name, open] of Object.entries(STORAGES)) {
  describe(`concatenation: ${name}`, () => describeConcatenation(open))
}

class Client {
  readonly app: OpenApp
  readonly #send: Send

  constructor(app: OpenApp) {
    this.app = app
    this.#send = sendToFetch('tussi.test', (request) => app.tus.fetch(request))
  }

  request(
    method: string,
    path: string,
    fields: Record<string, string> = {},
    body?: string,
  ): Promise<TestResponse> {
    const all = { 'Tus-Resumable': '1.0.0', ...fields }
    const request = { method, path, fields: all }
    return this.#send(body === undefined ? request : { ...request, body: Buffer.from(body) })
  }

  patch(path: string, offset: number, body: string, more = {}): Promise<TestResponse> {
    const type = 'application/offset+octet-stream'
    const fields = { 'Content-Type': type, 'Upload-Offset': `${offset}`, ...more }
    return this.request('PATCH', path, fields, body)
  }

  /** A part of `length` bytes that has received `sent`; its path. */
  async part(sent: string, length: number | null = sent.length): Promise<string> {
    const size = length === null ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': `${length}` }
    const path = pathOf(
      await this.request('POST', '/files/', { 'Upload-Concat': 'partial', ...size }),
    )
    if (sent) expect((await this.patch(path, 0, sent)).status).toBe(204)
    return path
  }

  join(...parts: string[]): Promise<TestResponse> {
    return this.request('POST', '/files/', { 'Upload-Concat': `final;${parts.join(' ')}` })
  }

  /** What the one upload that waits for a worker holds. */
  async received(): Promise<{ id: string; text: string }> {
    const directory = await mkdtemp(join(tmpdir(), 'tussi-concat-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const upload = await this.app.tus.waitForFile({ timeoutMs: 5000 })
    const text = await readFile(await upload.save(directory), 'utf8')
    await upload.acknowledge()
    return { id: upload.name, text }
  }

  async nothingWaits(): Promise<void> {
    await expect(this.app.tus.waitForFile({ timeoutMs: 150 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  }
}

function pathOf({ status, fields, body }: TestResponse): string {
  if (!fields.location) throw new Error(`no upload: ${status} ${body}`)
  return new URL(fields.location).pathname
}

function describeConcatenation(open: OpenAppFunction): void {
  async function openClient(): Promise<Client> {
    const app = await open()
    onTestFinished(app.close)
    return new Client(app)
  }

  it('puts parts together in the order of the list, and hands out nothing else', async () => {
    const client = await openClient()
    const [a, b, c] = [await client.part('b'), await client.part('aaa'), await client.part('')]
    await client.nothingWaits()
    const final = pathOf(await client.join(b, a, c, b))
    const { id, text } = await client.received()
    expect(text).toBe('aaabaaa')
    expect(final.endsWith(id)).toBe(true)
    await client.nothingWaits()
  })

  it('gives the space of its parts back, and lets their clients see that they were complete', async () => {
    const client = await openClient()
    const path = await client.part('hello')
    pathOf(await client.join(path))
    const head = await client.request('HEAD', path)
    expect(head).toMatchObject({
      status: 200,
      fields: { 'upload-offset': '5', 'upload-length': '5', 'upload-concat': 'partial' },
    })
    expect((await client.patch(path, 0, 'hello')).status).toBe(204)
    const left = []
    for await (const { uploadId } of client.app.storage.list()) left.push(uploadId)
    expect(left).toEqual([])
  })

  it('answers the same request the same way, whenever it comes again', async () => {
    const client = await openClient()
    const parts = [await client.part('hel'), await client.part('lo')]
    const both = await Promise.all([client.join(...parts), client.join(...parts)])
    expect(both.map(({ status }) => status)).toEqual([201, 201])
    const [first, second] = both.map(pathOf)
    expect(second).toBe(first)
    expect(pathOf(await client.join(...parts))).toBe(first)
    expect((await client.received()).text).toBe('hello')
    expect(pathOf(await client.join(...parts))).toBe(first)
    await client.nothingWaits()
  })

  it('makes another of one that was terminated, while the parts are there', async () => {
    const client = await openClient()
    const parts = [await client.part('hel'), await client.part('', 2)]
    const first = pathOf(await client.join(...parts))
    expect((await client.request('DELETE', first)).status).toBe(204)
    expect((await client.request('HEAD', parts[0] ?? '')).fields['upload-offset']).toBe('3')
    const second = pathOf(await client.join(...parts))
    expect(second).not.toBe(first)
    expect((await client.patch(parts[1] ?? '', 0, 'lo')).status).toBe(204)
    expect((await client.received()).text).toBe('hello')
  })

  it('waits for parts that are not finished', async () => {
    const client = await openClient()
    const [a, b] = [await client.part('hel'), await client.part('l', 2)]
    const final = pathOf(await client.join(a, b))
    const pending = await client.request('HEAD', final)
    expect(pending).toMatchObject({
      status: 200,
      fields: { 'upload-length': '5', 'upload-concat': `final;${a} ${b}` },
    })
    expect(pending.fields).not.toHaveProperty('upload-offset')
    await client.nothingWaits()
    expect((await client.patch(b, 1, 'o')).status).toBe(204)
    expect((await client.received()).text).toBe('hello')
    expect((await client.request('HEAD', final)).fields).toMatchObject({
      'upload-offset': '5',
      'upload-length': '5',
    })
  })

  it('ends with a part that is terminated, and is not called a success when asked for again', async () => {
    const client = await openClient()
    const [a, b] = [await client.part('hel'), await client.part('l', 2)]
    const final = pathOf(await client.join(a, b))
    expect((await client.request('DELETE', a)).status).toBe(204)
    expect((await client.patch(b, 1, 'o')).status).toBe(204)
    expect((await client.request('HEAD', final)).status).toBe(410)
    const again = await client.join(a, b)
    expect(again).toMatchObject({ status: 400, fields: { 'tussi-error': 'ERR_INVALID_CONCAT' } })
    expect((await client.request('HEAD', b)).fields['upload-offset']).toBe('2')
    await client.nothingWaits()
  })

  it('says no length while that of a part is not known', async () => {
    const client = await openClient()
    const [a, b] = [await client.part('hel'), await client.part('l', null)]
    const final = pathOf(await client.join(a, b))
    const { fields } = await client.request('HEAD', final)
    expect(fields).not.toHaveProperty('upload-length')
    expect(fields).not.toHaveProperty('upload-offset')
    expect((await client.patch(b, 1, 'o', { 'Upload-Length': '2' })).status).toBe(204)
    expect((await client.received()).text).toBe('hello')
  })

  it('takes no bytes for a final upload, finished or not', async () => {
    const client = await openClient()
    const [a, b] = [await client.part('hel'), await client.part('', 2)]
    const final = pathOf(await client.join(a, b))
    const refused = { status: 403 }
    expect(await client.patch(final, 0, 'xx')).toMatchObject(refused)
    expect((await client.patch(b, 0, 'lo')).status).toBe(204)
    await expect
      .poll(async () => (await client.request('HEAD', final)).fields['upload-offset'])
      .toBe('5')
    expect(await client.patch(final, 5, '')).toMatchObject(refused)
    expect(await client.patch(final, 0, 'hello')).toMatchObject(refused)
    expect((await client.received()).text).toBe('hello')
    expect(await client.patch(final, 0, 'hello')).toMatchObject(refused)
  })

  it('leaves a part to all uploads that wait for it', async () => {
    const client = await openClient()
    const [a, b] = [await client.part('hel'), await client.part('', 2)]
    const finals = [pathOf(await client.join(a, b)), pathOf(await client.join(b, b))]
    expect(new Set(finals).size).toBe(2)
    expect((await client.patch(b, 0, 'lo')).status).toBe(204)
    const texts = [(await client.received()).text, (await client.received()).text]
    expect(texts.sort()).toEqual(['hello', 'lolo'])
    expect((await client.request('HEAD', a)).fields['upload-offset']).toBe('3')
    expect((await client.request('HEAD', b)).fields['upload-offset']).toBe('2')
  })
}

/** Concatenation where processes meet, die, or have a say; and many parts. @module */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FilesystemStorage, Janitor, TusApp, UploadError } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  idOf,
  patch,
  type Served,
  serve,
  sha256,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

const SILENT = { info() {}, warn() {}, error() {} }
const PART = { 'Upload-Concat': 'partial', 'Content-Type': 'application/offset+octet-stream' }

async function post(
  url: string,
  fields: Record<string, string>,
  body?: Uint8Array,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...TUS, ...fields },
    ...(body && { body: body as Uint8Array<ArrayBuffer> }),
  })
}

/** A part that has received `data`, of `length` bytes; its URL. */
async function part(url: string, data: Uint8Array, length = data.length): Promise<string> {
  const response = await post(url, { ...PART, 'Upload-Length': `${length}` }, data)
  if (response.status !== 201) throw new Error(`POST: ${response.status}`)
  return response.headers.get('location') ?? ''
}

function join(url: string, parts: readonly string[]): Promise<Response> {
  return post(url, { 'Upload-Concat': `final;${parts.join(' ')}` })
}

async function received({ tus }: Served, root: string): Promise<string> {
  const upload = await tus.waitForFile({ timeoutMs: 10_000 })
  const sum = await sha256(await upload.save(`${root}/saved-${upload.name}`))
  await upload.acknowledge()
  return sum
}

it('is ended by a DELETE while it is being put together', async () => {
  const { url, storage } = await serve(await temporaryDirectory())
  const { concatenation } = storage
  const concat = concatenation.concat.bind(concatenation)
  let begun = (): void => undefined
  const running = new Promise<void>((resolve) => {
    begun = resolve
  })
  // As on a file system that shares no blocks.
  concatenation.concat = async (id, request) => {
    begun()
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    return concat(id, request)
  }
  const open = await part(url, randomBytes(1), 3)
  const final = (await join(url, [open])).headers.get('location') ?? ''
  expect((await patch(open, 1, randomBytes(2))).status).toBe(204)
  await running
  expect((await fetch(final, { method: 'DELETE', headers: TUS })).status).toBe(204)
  expect((await fetch(final, { method: 'HEAD', headers: TUS })).status).toBe(410)
})

describe('a final upload', () => {
  it('is put together by whichever process gets the last part', async () => {
    const root = await temporaryDirectory()
    const [a, b] = [await serve(root), await serve(root)]
    const data = randomBytes(300_000)
    const parts = [
      await part(a.url, data.subarray(0, 100_000)),
      await part(a.url, data.subarray(100_000, 200_000), 200_000),
    ]
    expect((await join(a.url, parts)).status).toBe(201)
    const there = `${b.url}${idOf(parts[1] ?? '')}`
    expect((await patch(there, 100_000, data.subarray(200_000))).status).toBe(204)
    expect(await received(a, root)).toBe(sha256Of(data))
    await expect.poll(() => readdir(a.directory)).toEqual(['.tussi'])
    expect(await readdir(`${a.directory}/.tussi/wanted`)).toEqual([])
  })

  it.each(['HEAD', 'the janitor'])(
    'that a crash has left pending is finished by %s',
    async (who) => {
      const root = await temporaryDirectory()
      const served = await serve(root)
      const { storage, completedDir } = served
      const data = randomBytes(200_000)
      const parts = [
        await part(served.url, data.subarray(0, 50_000)),
        await part(served.url, data.subarray(50_000)),
      ].map(idOf)
      // As the crash leaves it: created, and its parts are complete.
      const { uploadId } = await storage.create({
        id: crypto.randomUUID(),
        length: data.length,
        metadata: {},
        uploadMetadata: '',
        serverMetadata: {},
        notes: { concat: { field: 'final;a b', parts } },
      })
      if (who === 'HEAD') {
        const head = await fetch(`${served.url}${uploadId}`, { method: 'HEAD', headers: TUS })
        expect(head.headers.get('upload-offset')).toBe(`${data.length}`)
      } else {
        const janitor = new Janitor({ storage, completedDir, logger: SILENT })
        expect(await janitor.run()).toMatchObject({ finalized: 1 })
      }
      expect(await received(served, root)).toBe(sha256Of(data))
    },
  )

  it('is judged as any other', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, {
      sha256: true,
      onComplete: ({ length }) => {
        if (length === 5) throw new UploadError('ERR_REFUSED', 'too short', { status: 422 })
        return { body: { length } }
      },
    })
    const [a, b] = [randomBytes(5), randomBytes(6)]
    const refused = await join(served.url, [await part(served.url, a)])
    expect(refused.status).toBe(422)
    const accepted = await join(served.url, [await part(served.url, a), await part(served.url, b)])
    expect(accepted.status).toBe(201)
    expect(await accepted.json()).toEqual({ length: 11 })
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.sha256).toBe(sha256Of(Buffer.concat([a, b])))
    await upload.acknowledge()
  })

  it('of a thousand parts is one upload', async () => {
    const root = await temporaryDirectory()
    const storage = new FilesystemStorage({ directory: `${root}/uploads`, fsync: false })
    const tus = new TusApp({ storage, completedDir: `${root}/completed` })
    const server = createServer({ maxHeaderSize: 131_072, requestTimeout: 0 }, tus.listener)
    onTestFinished(async () => {
      server.close()
      server.closeAllConnections()
      await tus.close()
      await storage.close()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`
    const data = randomBytes(1_000_000)
    const parts: string[] = []
    for (let i = 0; i < 1000; i += 50) {
      const some = Array.from({ length: 50 }, (_, j) => {
        const at = (i + j) * 1000
        return part(url, data.subarray(at, at + 1000))
      })
      parts.push(...(await Promise.all(some)))
    }
    const response = await join(url, parts)
    expect(response.status).toBe(201)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(await sha256(await upload.save(`${root}/saved`))).toBe(sha256Of(data))
    await upload.acknowledge()
    await expect.poll(() => readdir(`${root}/uploads`)).toEqual(['.tussi'])
  })
})

describe('a final upload whose verdict fails', () => {
  async function failing(): Promise<Served & { succeed: () => void }> {
    let fail = true
    const served = await serve(await temporaryDirectory(), {
      logger: SILENT,
      authorize: () => 'somebody',
      quota: 10,
      onComplete: ({ length }) => {
        if (fail) throw new Error('database is down')
        return { body: { length } }
      },
    })
    const succeed = (): void => {
      fail = false
    }
    return { ...served, succeed }
  }

  it('is no success when it is asked for again, and its parts go once it is one', async () => {
    const { url, directory, tus, succeed } = await failing()
    const parts = [await part(url, randomBytes(5)), await part(url, randomBytes(5))]
    expect((await join(url, parts)).status).toBe(500)
    expect((await join(url, parts)).status).toBe(500)
    succeed()
    const response = await join(url, parts)
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ length: 10 })
    expect(await readdir(directory)).toEqual(['.tussi'])
    expect((await part(url, randomBytes(10))).length).toBeGreaterThan(0)
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })

  it.each(['HEAD', 'the janitor'])('is judged again by %s, and its parts go', async (who) => {
    const { url, directory, completedDir, storage, tus, succeed } = await failing()
    const parts = [await part(url, randomBytes(5)), await part(url, randomBytes(2), 5)]
    const final = (await join(url, parts)).headers.get('location') ?? ''
    expect((await patch(parts[1] ?? '', 2, randomBytes(3))).status).toBe(204)
    await expect.poll(async () => (await storage.info(idOf(final))).state).toBe('sealed')
    succeed()
    const head = (): Promise<Response> => fetch(final, { method: 'HEAD', headers: TUS })
    if (who === 'HEAD') expect((await head()).headers.get('upload-offset')).toBe('10')
    else {
      const complete = (id: string): Promise<boolean> => tus.complete(id)
      const janitor = new Janitor({ storage, completedDir, complete, logger: SILENT })
      expect(await janitor.run()).toMatchObject({ finalized: 1 })
    }
    expect(await readdir(directory)).toEqual(['.tussi'])
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })

  it('makes a HEAD wait that puts it together', async () => {
    const { url, storage } = await failing()
    const parts = [await part(url, randomBytes(5)), await part(url, randomBytes(5))].map(idOf)
    const { uploadId } = await storage.create({
      id: crypto.randomUUID(),
      length: 10,
      metadata: {},
      uploadMetadata: '',
      serverMetadata: {},
      notes: { owner: 'somebody', gated: true, concat: { field: 'final;a b', parts } },
    })
    const head = await fetch(`${url}${uploadId}`, { method: 'HEAD', headers: TUS })
    expect(head.status).toBe(423)
    expect(head.headers.get('tussi-error')).toBe('ERR_UPLOAD_LOCKED')
  })
})

it('refuses a final upload once, repeats why, and keeps nothing of its parts', async () => {
  let calls = 0
  const served = await serve(await temporaryDirectory(), {
    authorize: () => 'somebody',
    quota: 10,
    onComplete: ({ length }) => {
      calls++
      if (length === 10) throw new UploadError('ERR_REFUSED', 'a virus', { status: 422 })
      return {}
    },
  })
  const { url } = served
  const parts = [await part(url, randomBytes(5)), await part(url, randomBytes(5))]
  for (let i = 0; i < 2; i++) {
    const response = await join(url, parts)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ detail: 'a virus' })
  }
  expect(calls).toBe(1)
  expect(await readdir(served.directory)).toEqual(['.tussi'])
  expect((await part(url, randomBytes(9))).length).toBeGreaterThan(0)
})

describe('a final upload within limits', () => {
  const QUOTA = { authorize: () => 'somebody', quota: 1000 }
  const OPEN = { ...PART, 'Upload-Defer-Length': '1' }

  async function openPart(url: string): Promise<string> {
    const response = await post(url, OPEN, new Uint8Array())
    expect(response.status).toBe(201)
    return response.headers.get('location') ?? ''
  }

  async function code(response: Response): Promise<unknown> {
    return ((await response.json()) as { code: unknown }).code
  }

  it('takes what it repeats from the quota', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, QUOTA)
    const bytes = randomBytes(400)
    const long = await part(served.url, bytes)
    const refused = await join(served.url, [long, long, long])
    expect(refused.status).toBe(413)
    expect(await code(refused)).toBe('ERR_QUOTA_EXCEEDED')
    expect((await join(served.url, [long, long])).status).toBe(201)
    expect(await received(served, root)).toBe(sha256Of(Buffer.concat([bytes, bytes])))
    expect((await part(served.url, randomBytes(1000))).length).toBeGreaterThan(0)
  })

  it('repeats nothing whose length is not known, where there is a quota', async () => {
    const { url } = await serve(await temporaryDirectory(), QUOTA)
    const open = await openPart(url)
    const refused = await join(url, [open, open])
    expect(refused.status).toBe(400)
    expect(await code(refused)).toBe('ERR_INVALID_CONCAT')
    expect((await join(url, [open])).status).toBe(201)
  })

  it('is the only one of its parts, where there is a quota', async () => {
    const { url } = await serve(await temporaryDirectory(), QUOTA)
    const parts = [await part(url, randomBytes(10), 20)]
    expect((await join(url, parts)).status).toBe(201)
    const other = { 'Upload-Concat': `final;${parts.join(' ')}`, 'Upload-Metadata': 'other' }
    const refused = await post(url, other)
    expect(refused.status).toBe(400)
    expect(await code(refused)).toBe('ERR_INVALID_CONCAT')
    expect((await join(url, parts)).status).toBe(201)
  })

  it('may become as long as its own request allowed, whoever puts it together', async () => {
    const root = await temporaryDirectory()
    const maxSize = (): number => 1000
    const { url, storage, tus } = await serve(root, { maxSize, logger: SILENT })
    const parts = [await openPart(url), await openPart(url)]
    const final = (await join(url, parts)).headers.get('location') ?? ''
    const length = { 'Upload-Length': '600' }
    expect((await patch(parts[0] ?? '', 0, randomBytes(600), length)).status).toBe(204)
    // As another process leaves it that dies before it has looked who waits for the part.
    const content = {
      read: async () => ({ pieces: [randomBytes(600)], byteLength: 600, last: true }),
    }
    const completedDir = `${root}/completed`
    await storage.append(idOf(parts[1] ?? ''), { offset: 0, length: 600, content, completedDir })
    await expect(tus.complete(idOf(final))).rejects.toMatchObject({ status: 413 })
    const head = await fetch(final, { method: 'HEAD', headers: TUS })
    expect(head.status).toBe(413)
  })

  it('is refused when its parts have become too long together', async () => {
    const served = await serve(await temporaryDirectory(), { maxSize: 1000 })
    const parts = [await openPart(served.url), await openPart(served.url)]
    const final = (await join(served.url, parts)).headers.get('location') ?? ''
    for (const url of parts) {
      const fields = { 'Upload-Length': '600' }
      expect((await patch(url, 0, randomBytes(600), fields)).status).toBe(204)
    }
    const head = (): Promise<Response> => fetch(final, { method: 'HEAD', headers: TUS })
    await expect.poll(async () => (await head()).status).toBe(413)
    await expect(served.tus.waitForFile({ timeoutMs: 100 })).rejects.toThrow(/within 100 ms/)
  })
})

describe('a janitor that judges nothing', () => {
  const TEXTS = { metadata: {}, uploadMetadata: '', serverMetadata: {} }

  it('leaves complete parts alone that a final upload waits for', async () => {
    const { url, storage, completedDir } = await serve(await temporaryDirectory())
    const done = await part(url, randomBytes(3))
    const open = await part(url, randomBytes(1), 3)
    const final = (await join(url, [done, open])).headers.get('location') ?? ''
    const janitor = new Janitor({ storage, completedDir, staleUploadAgeMs: 0, logger: SILENT })
    const entries: string[] = []
    for await (const { id, lastActivityMs } of storage.entries(completedDir)) {
      if (Date.now() - lastActivityMs < 5) entries.push(id)
    }
    expect(entries).toContain(idOf(done))
    // All of them are stale: whoever waits goes, and the part with the next pass.
    await expect.poll(async () => (await janitor.run()).stale).toBeGreaterThan(0)
    await expect.poll(async () => (await janitor.run()).failed).toBe(0)
    const head = await fetch(final, { method: 'HEAD', headers: TUS })
    expect(head.status).toBe(410)
  })

  it('holds a final upload to its size', async () => {
    const { url, storage, completedDir, tus } = await serve(await temporaryDirectory())
    const parts = [idOf(await part(url, randomBytes(900))), idOf(await part(url, randomBytes(900)))]
    const notes = { concat: { field: 'final;', parts, maxSize: 1000 } }
    await storage.create({ id: crypto.randomUUID(), length: null, ...TEXTS, notes })
    const janitor = new Janitor({ storage, completedDir, logger: SILENT })
    expect(await janitor.run()).toMatchObject({ finalized: 0, failed: 1 })
    await expect(tus.waitForFile({ timeoutMs: 100 })).rejects.toThrow(/within 100 ms/)
  })

  it('removes the parts of what it puts together', async () => {
    const { url, storage, completedDir, directory } = await serve(await temporaryDirectory())
    const parts = [idOf(await part(url, randomBytes(9))), idOf(await part(url, randomBytes(9)))]
    const notes = { concat: { field: 'final;', parts } }
    await storage.create({ id: crypto.randomUUID(), length: 18, ...TEXTS, notes })
    const janitor = new Janitor({ storage, completedDir, logger: SILENT })
    expect(await janitor.run()).toMatchObject({ finalized: 1, failed: 0 })
    expect(await readdir(directory)).toEqual(['.tussi'])
  })
})

/** What an application decides about an upload at its end: onComplete, sha256, stop. @module */
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { Janitor, type SealedUpload, TusApp, type TusEvent, UploadError } from 'tussi'
import { MemoryStorage } from 'tussi/memory'
import { describe, expect, it } from 'vitest'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  type Served,
  serve,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

const SILENT = { info() {}, warn() {}, error() {} }
const HELLO = Buffer.from('hello')

const refuse = (): never => {
  throw new UploadError('ERR_REFUSED', 'a virus', { status: 422 })
}

function head(location: string): Promise<Response> {
  return fetch(location, { method: 'HEAD', headers: TUS })
}

async function nothingWaits({ tus }: Served): Promise<void> {
  await expect(tus.waitForFile({ timeoutMs: 100 })).rejects.toMatchObject({ name: 'TimeoutError' })
}

describe('onComplete that accepts', () => {
  const answer = { status: 201, headers: { 'X-File': 'f/1' }, body: { id: 1 } }

  async function expectAnswer(response: Response, status: number): Promise<void> {
    expect(response.status).toBe(status)
    expect(response.headers.get('x-file')).toBe('f/1')
    expect(response.headers.get('access-control-expose-headers')).toMatch(/, X-File$/)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('upload-offset')).toBe('5')
    expect(await response.json()).toEqual({ id: 1 })
  }

  it('is the answer to the last request, and to its repetition at any time', async () => {
    const calls: string[] = []
    const served = await serve(await temporaryDirectory(), {
      onComplete: ({ uploadId }) => {
        calls.push(uploadId)
        return answer
      },
    })
    const location = await createUpload(served.url, 5)
    await expectAnswer(await patch(location, 0, HELLO), 201)
    await expectAnswer(await patch(location, 0, HELLO), 201)
    expect(await offsetOf(location)).toBe(5)
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    await expectAnswer(await patch(location, 0, HELLO), 201)
    await upload.acknowledge()
    await expectAnswer(await patch(location, 0, HELLO), 201)
    expect(calls).toEqual([idOf(location)])
  })

  it('answers a creation that brings all bytes, and one of none', async () => {
    const served = await serve(await temporaryDirectory(), {
      onComplete: ({ length }) => ({ ...answer, body: { length } }),
    })
    for (const body of ['hello', '']) {
      const response = await fetch(served.url, {
        method: 'POST',
        headers: {
          ...TUS,
          'Upload-Length': `${body.length}`,
          'Content-Type': 'application/offset+octet-stream',
        },
        body,
      })
      expect(response.status).toBe(201)
      expect(response.headers.get('location')).toMatch(/\/files\//)
      expect(await response.json()).toEqual({ length: body.length })
      await (await served.tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
    }
  })

  it('says 200 where the protocol has no body, and the protocol’s word where it says nothing', async () => {
    const answers = [{ body: [] }, undefined, { headers: { 'X-A': 'b' } }]
    const served = await serve(await temporaryDirectory(), { onComplete: () => answers.shift() })
    const statuses: number[] = []
    while (answers.length > 0) {
      statuses.push((await patch(await createUpload(served.url, 5), 0, HELLO)).status)
    }
    expect(statuses).toEqual([200, 204, 204])
  })

  it('leaves the fields of the protocol what they are, however it spells them', async () => {
    const fields = { location: '/elsewhere', 'content-type': 'text/plain', 'upload-offset': '7' }
    const { tus, url } = await serve(await temporaryDirectory(), {
      onComplete: () => ({ headers: { ...fields, 'x-file': '1' }, body: 1 }),
    })
    const create = { method: 'POST', headers: { ...TUS, 'Upload-Length': '0' } }
    for (const response of [await fetch(url, create), await tus.fetch(new Request(url, create))]) {
      expect(response.status).toBe(201)
      expect(response.headers.get('location')).toMatch(/^http:\/\/[^,]+\/files\/[0-9a-f-]{36}$/)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(response.headers.get('upload-offset')).toBe('0')
      expect(response.headers.get('x-file')).toBe('1')
    }
  })

  it('sees the upload, its bytes and its hash', async () => {
    const seen: SealedUpload[] = []
    const data = randomBytes(2_500_000)
    const hash = createHash('sha256')
    const served = await serve(await temporaryDirectory(), {
      sha256: true,
      onCreate: () => ({ by: 'me' }),
      onComplete: async (upload) => {
        seen.push(upload)
        for await (const piece of upload.content()) hash.update(piece)
      },
    })
    const location = await createUpload(served.url, data.length, { filename: 'a' })
    expect((await patch(location, 0, data)).status).toBe(204)
    expect(seen).toMatchObject([
      { length: data.length, metadata: { filename: 'a' }, serverMetadata: { by: 'me' } },
    ])
    expect(hash.digest('hex')).toBe(sha256Of(data))
    expect(seen[0]?.sha256).toBe(sha256Of(data))
  })
})

describe('onComplete that refuses', () => {
  it('is heard by the client whenever it asks, and nothing is left but that', async () => {
    const events: TusEvent[] = []
    let calls = 0
    const served = await serve(await temporaryDirectory(), {
      onComplete: () => {
        calls++
        return refuse()
      },
      onEvent: (event) => void events.push(event),
    })
    const location = await createUpload(served.url, 5)
    for (let i = 0; i < 2; i++) {
      const response = await patch(location, 0, HELLO)
      expect(response.status).toBe(422)
      expect(await response.json()).toMatchObject({ code: 'ERR_REFUSED', detail: 'a virus' })
    }
    expect((await head(location)).status).toBe(422)
    expect(calls).toBe(1)
    expect(await readdir(served.directory)).toEqual(['.tussi'])
    expect(await readdir(served.completedDir)).toEqual(['.tussi'])
    await nothingWaits(served)
    expect(events.map(({ type }) => type)).toEqual([
      'upload-created',
      'upload-progress',
      'upload-refused',
    ])
  })

  it('refuses a creation with upload too', async () => {
    const served = await serve(await temporaryDirectory(), { onComplete: refuse })
    const response = await fetch(served.url, {
      method: 'POST',
      headers: {
        ...TUS,
        'Upload-Length': '5',
        'Content-Type': 'application/offset+octet-stream',
      },
      body: 'hello',
    })
    expect(response.status).toBe(422)
    expect(response.headers.get('location')).toBeNull()
    expect(await readdir(served.directory)).toEqual(['.tussi'])
  })
})

describe('onComplete that fails', () => {
  it.each([
    ['throws', () => Promise.reject(new Error('database is down'))],
    ['answers 404', () => ({ status: 404 })],
    ['answers with a broken field', () => ({ headers: { 'X-A': 'a\r\nb' } })],
    ['answers with what is no JSON', () => ({ body: () => undefined })],
    ['answers 204 with a body', () => ({ status: 204, body: {} })],
  ])('when it %s: never a false success, and it is asked again', async (_what, failing) => {
    let fail = true
    const served = await serve(await temporaryDirectory(), {
      logger: SILENT,
      onComplete: () => (fail ? failing() : { body: 'done' }),
    })
    const location = await createUpload(served.url, 5)
    expect((await patch(location, 0, HELLO)).status).toBe(500)
    // A status that makes clients ask again, not begin anew.
    const waiting = await head(location)
    expect(waiting.status).toBe(423)
    expect(waiting.headers.get('retry-after')).toBe('1')
    expect(waiting.headers.get('upload-offset')).toBeNull()
    await nothingWaits(served)
    fail = false
    const response = await patch(location, 0, HELLO)
    expect(await response.json()).toBe('done')
    expect(await offsetOf(location)).toBe(5)
    await (await served.tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
    await nothingWaits(served)
  })

  it('when its verdict cannot be recorded: a creation is no success, and leaves nothing', async () => {
    class Full extends MemoryStorage {
      override async finalize(): Promise<boolean> {
        throw new UploadError('ERR_INSUFFICIENT_STORAGE', 'no space is left')
      }
    }
    const storage = new Full()
    const tus = new TusApp({
      storage,
      completedDir: './completed',
      onComplete: () => ({ body: 1 }),
    })
    const headers = {
      ...TUS,
      'Upload-Length': '5',
      'Content-Type': 'application/offset+octet-stream',
    }
    const creation = { method: 'POST', headers, body: HELLO }
    const response = await tus.fetch(new Request('http://tussi.test/files/', creation))
    expect(response.status).toBe(507)
    expect(response.headers.get('location')).toBeNull()
    for await (const { uploadId } of storage.list()) expect.unreachable(uploadId)
  })

  it('leaves its upload to the janitor, which asks where it can and else reports', async () => {
    let fail = true
    const served = await serve(await temporaryDirectory(), {
      logger: SILENT,
      onComplete: () => {
        if (fail) throw new Error('not yet')
      },
    })
    const { storage, completedDir, tus } = served
    const location = await createUpload(served.url, 5)
    await patch(location, 0, HELLO)
    const options = { storage, completedDir, staleUploadAgeMs: 0, logger: SILENT }
    expect(await new Janitor(options).run()).toMatchObject({ waiting: 1, stale: 0, finalized: 0 })
    const able = new Janitor({ ...options, complete: (id) => tus.complete(id) })
    expect(await able.run()).toMatchObject({ failed: 1, stale: 0 })
    fail = false
    expect(await able.run()).toMatchObject({ finalized: 1 })
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })

  it('may refuse to the janitor as well', async () => {
    let verdict: () => never = () => {
      throw new Error('not yet')
    }
    const served = await serve(await temporaryDirectory(), {
      logger: SILENT,
      onComplete: () => verdict(),
    })
    const { storage, completedDir, tus } = served
    const location = await createUpload(served.url, 5)
    await patch(location, 0, HELLO)
    verdict = refuse
    const complete = (id: string): Promise<boolean> => tus.complete(id)
    const janitor = new Janitor({ storage, completedDir, complete, logger: SILENT })
    expect(await janitor.run()).toMatchObject({ stale: 1, failed: 0 })
    expect((await head(location)).status).toBe(422)
  })
})

describe('sha256', () => {
  it('stands in the record, however the bytes came', async () => {
    const root = await temporaryDirectory()
    const data = randomBytes(9_000_000)
    const first = await serve(root, { sha256: true })
    const path = new URL(await createUpload(first.url, data.length)).pathname
    const at = (served: Served): string => new URL(path, served.url).href
    await patch(at(first), 0, data.subarray(0, 10))
    await patch(at(first), 10, data.subarray(10, 3_000_000))
    await first.close()
    // What was hashed is forgotten: the bytes are read again.
    const second = await serve(root, { sha256: true })
    await patch(at(second), 3_000_000, data.subarray(3_000_000, 8_000_000))
    expect((await patch(at(second), 8_000_000, data.subarray(8_000_000))).status).toBe(204)
    const upload = await second.tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.sha256).toBe(sha256Of(data))
    await upload.acknowledge()
  })

  it('is that of the bytes that were kept, not of those that were refused', async () => {
    const served = await serve(await temporaryDirectory(), { sha256: true })
    const data = randomBytes(200_000)
    const location = await createUpload(served.url, data.length)
    const wrong = { 'Upload-Checksum': `sha1 ${Buffer.alloc(20).toString('base64')}` }
    expect((await patch(location, 0, randomBytes(100_000), wrong)).status).toBe(460)
    expect((await patch(location, 0, randomBytes(200_001))).status).toBe(413)
    expect((await patch(location, 0, data.subarray(0, 100_000))).status).toBe(204)
    expect((await patch(location, 100_000, data.subarray(100_000))).status).toBe(204)
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.sha256).toBe(sha256Of(data))
    await upload.acknowledge()
  })

  it('follows an upload that two servers receive by turns', async () => {
    const root = await temporaryDirectory()
    const servers = [await serve(root, { sha256: true }), await serve(root, { sha256: true })]
    const data = randomBytes(400_000)
    const path = new URL(await createUpload(servers[0]?.url ?? '', data.length)).pathname
    for (let at = 0, turn = 0; at < data.length; at += 100_000, turn++) {
      const location = new URL(path, servers[turn % 2]?.url).href
      expect((await patch(location, at, data.subarray(at, at + 100_000))).status).toBe(204)
    }
    const upload = await servers[0]?.tus.waitForFile({ timeoutMs: 5000 })
    expect(upload?.record.sha256).toBe(sha256Of(data))
    await upload?.acknowledge()
  })

  it.each([10, 99, 100_000])('leaves a wrong offset, %d, a wrong offset', async (offset) => {
    const served = await serve(await temporaryDirectory(), { sha256: true })
    const location = await createUpload(served.url, 300_000)
    await patch(location, 0, randomBytes(50))
    for (const body of [randomBytes(10), randomBytes(100_000)]) {
      const response = await patch(location, offset, body)
      expect(response.status).toBe(409)
      expect(response.headers.get('upload-offset')).toBe('50')
    }
    await createUpload(served.url, 0)
    const done = await served.tus.waitForFile({ timeoutMs: 5000 })
    await done.acknowledge()
    const gone = new URL(done.name, served.url).href
    expect((await patch(gone, offset, randomBytes(10))).status).toBe(409)
  })

  it('is null where nobody asked for it', async () => {
    const served = await serve(await temporaryDirectory())
    await createUpload(served.url, 0)
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.sha256).toBeNull()
    await upload.acknowledge()
  })
})

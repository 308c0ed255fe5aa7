/** What ends an upload before its last byte: sniff, and a word of the application. @module */
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { UploadError } from 'tussi'
import { describe, expect, it } from 'vitest'
import { beginRequest, type RawRequest } from '../raw-request.ts'
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

/** A PATCH whose body is still coming. */
function begin(location: string, length: number): Promise<RawRequest> {
  return beginRequest(location, { method: 'PATCH', length, sent: Buffer.alloc(0) })
}

async function offsetIn({ storage }: Served, location: string): Promise<number> {
  return (await storage.info(idOf(location))).offset
}

const refuse = (): never => {
  throw new UploadError('ERR_REFUSED', 'not a picture', { status: 415 })
}

describe('sniff', () => {
  it('sees the first 4 KiB, recorded, while the rest is still to come', async () => {
    const seen: string[] = []
    const offsets: number[] = []
    const served: Served = await serve(await temporaryDirectory(), {
      sniff: async (first, { uploadId }) => {
        seen.push(sha256Of(first))
        offsets.push((await served.storage.info(uploadId)).offset)
      },
    })
    const data = randomBytes(300_000)
    const location = await createUpload(served.url, data.length)
    const { socket, answer } = await begin(location, data.length)
    socket.write(data.subarray(0, 3000))
    socket.write(data.subarray(3000, 6000))
    await expect.poll(() => seen).toEqual([sha256Of(data.subarray(0, 4096))])
    expect(offsets[0]).toBeGreaterThanOrEqual(4096)
    socket.write(data.subarray(6000))
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 204 /)
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    await upload.acknowledge()
    expect(seen).toHaveLength(1)
  })

  it('ends the request that it refuses, at once, and the upload with it', async () => {
    const served = await serve(await temporaryDirectory(), { sniff: refuse })
    const location = await createUpload(served.url, 1_000_000)
    const { socket, answer } = await begin(location, 1_000_000)
    socket.write(randomBytes(5000))
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 415 /)
    expect(answer()).toContain('not a picture')
    expect((await fetch(location, { method: 'HEAD', headers: TUS })).status).toBe(415)
    expect(await readdir(served.directory)).toEqual(['.tussi'])
  })

  it.each([
    ['smaller', [5], 5],
    ['as long', [4096], 4096],
    ['begun by a few bytes', [100, 100, 9800], 4096],
    ['in two pieces', [4095, 1], 4096],
  ])('is asked once about an upload that is %s', async (_what, parts, shown) => {
    const seen: Uint8Array[] = []
    const served = await serve(await temporaryDirectory(), {
      sniff: (first) => void seen.push(first),
    })
    const data = randomBytes(parts.reduce((sum, part) => sum + part, 0))
    const location = await createUpload(served.url, data.length)
    let at = 0
    for (const part of parts) {
      expect((await patch(location, at, data.subarray(at, at + part))).status).toBe(204)
      at += part
    }
    expect(seen.map((first) => sha256Of(first))).toEqual([sha256Of(data.subarray(0, shown))])
    await (await served.tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })

  it('is not asked about bytes whose checksum is awaited, and then it is', async () => {
    const seen: number[] = []
    const served = await serve(await temporaryDirectory(), {
      sniff: (first) => void seen.push(first.byteLength),
    })
    const data = Buffer.alloc(100_000)
    const location = await createUpload(served.url, 200_000)
    const wrong = { 'Upload-Checksum': `sha1 ${Buffer.alloc(20).toString('base64')}` }
    expect((await patch(location, 0, data, wrong)).status).toBe(460)
    expect(seen).toEqual([])
    const sum = createHash('sha1').update(data).digest('base64')
    const right = { 'Upload-Checksum': `sha1 ${sum}` }
    expect((await patch(location, 0, data, right)).status).toBe(204)
    expect(seen).toEqual([4096])
    expect((await patch(location, 100_000, data)).status).toBe(204)
    expect(seen).toEqual([4096])
  })

  it('is not asked about parts, which begin in the middle of a file, but about what they make', async () => {
    const seen: string[] = []
    const served = await serve(await temporaryDirectory(), {
      sniff: (first) => {
        seen.push(sha256Of(first))
        if (first[0] !== 1) refuse()
      },
    })
    const data = Buffer.concat([Buffer.alloc(10_000, 1), Buffer.alloc(10_000, 2)])
    const parts: string[] = []
    for (const at of [0, 10_000]) {
      const fields = { 'Upload-Concat': 'partial' }
      const location = await createUpload(served.url, 10_000, {}, fields)
      const { socket, answer } = await begin(location, 5000)
      socket.write(data.subarray(at, at + 4500))
      await expect.poll(() => offsetIn(served, location)).toBe(4500)
      socket.write(data.subarray(at + 4500, at + 5000))
      await expect.poll(answer).toMatch(/^HTTP\/1\.1 204 /)
      const rest = data.subarray(at + 5000, at + 10_000)
      expect((await patch(location, 5000, rest)).status).toBe(204)
      parts.push(location)
    }
    expect(seen).toEqual([])
    const join = (...urls: string[]): Promise<Response> => {
      const headers = { ...TUS, 'Upload-Concat': `final;${urls.join(' ')}` }
      return fetch(served.url, { method: 'POST', headers })
    }
    expect((await join(...parts)).status).toBe(201)
    expect(seen).toEqual([sha256Of(data.subarray(0, 4096))])
    await (await served.tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })

  it('is asked again when it fails, and the bytes are kept', async () => {
    let fail = true
    const served = await serve(await temporaryDirectory(), {
      logger: { info() {}, warn() {}, error() {} },
      sniff: () => {
        if (fail) throw new Error('cannot look')
      },
    })
    const data = randomBytes(10_000)
    const location = await createUpload(served.url, 20_000)
    expect((await patch(location, 0, data)).status).toBe(500)
    const offset = await offsetOf(location)
    expect(offset).toBeGreaterThanOrEqual(4096)
    fail = false
    expect((await patch(location, offset, data.subarray(offset))).status).toBe(204)
    expect((await patch(location, 10_000, data)).status).toBe(204)
  })
})

describe('stop', () => {
  it('ends a running request with the reason, which later ones get too', async () => {
    const served = await serve(await temporaryDirectory())
    const location = await createUpload(served.url, 1_000_000)
    const { socket, answer } = await begin(location, 1_000_000)
    socket.write(randomBytes(5000))
    const offset = async () => (await served.storage.info(idOf(location))).offset
    await expect.poll(offset).toBe(5000)
    await served.tus.stop(idOf(location), 'quota is used up', { status: 409 })
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 409 /)
    expect(answer()).toContain('quota is used up')
    const response = await patch(location, 5000, randomBytes(10))
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ detail: 'quota is used up' })
    expect(await readdir(served.directory)).toEqual(['.tussi'])
  })

  it('takes back what waits for a worker, but not what one has', async () => {
    const served = await serve(await temporaryDirectory())
    const [first = '', second = ''] = [
      await createUpload(served.url, 0),
      await createUpload(served.url, 0),
    ]
    const claimed = await served.tus.waitForFile({ timeoutMs: 5000 })
    const other = claimed.name === idOf(first) ? second : first
    await served.tus.stop(idOf(other), 'no')
    expect((await fetch(other, { method: 'HEAD', headers: TUS })).status).toBe(403)
    await expect(served.tus.stop(claimed.name, 'no')).rejects.toMatchObject({
      code: 'ERR_UPLOAD_LOCKED',
    })
    await claimed.acknowledge()
    await expect(served.tus.stop(claimed.name, 'no')).rejects.toMatchObject({
      code: 'ERR_UPLOAD_GONE',
    })
  })

  it('knows no upload by another name than its id', async () => {
    const { tus } = await serve(await temporaryDirectory())
    for (const id of ['../../etc/passwd', '', crypto.randomUUID()]) {
      const unknown = { code: 'ERR_UPLOAD_NOT_FOUND' }
      await expect(tus.stop(id, 'no')).rejects.toMatchObject(unknown)
      await expect(tus.complete(id)).rejects.toMatchObject(unknown)
    }
  })

  it('refuses a status that is no refusal', async () => {
    const served = await serve(await temporaryDirectory())
    const id = idOf(await createUpload(served.url, 5))
    await expect(served.tus.stop(id, 'no', { status: 500 })).rejects.toThrow(TypeError)
    expect(await served.storage.info(id)).toMatchObject({ state: 'receiving' })
  })
})

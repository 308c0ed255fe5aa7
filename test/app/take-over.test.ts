/** A dead connection never blocks its successor. @module */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { beginRequest } from '../raw-request.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  type Served,
  serve,
  sha256,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

/** A PATCH that sends `part` of its body and then nothing, its connection open. */
async function stall(served: Served, location: string, part: Uint8Array, length: number) {
  const stalled = await beginRequest(location, { method: 'PATCH', length, sent: part })
  const offset = async (): Promise<number> => (await served.storage.info(idOf(location))).offset
  await expect.poll(offset, { timeout: 10_000 }).toBe(part.length)
  return stalled
}

describe('take-over', () => {
  it.each([100, 3_000_000])('by HEAD after %d bytes: the offset is true', async (sent) => {
    const served = await serve(await temporaryDirectory())
    const data = randomBytes(4_000_000)
    const location = await createUpload(served.url, data.length)
    const stalled = await stall(served, location, data.subarray(0, sent), data.length)
    expect(await offsetOf(location)).toBe(sent)
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 409 /)
    expect(stalled.answer()).toMatch(/^Connection: close\r$/m)
    expect(stalled.answer()).toMatch(new RegExp(`^Upload-Offset: ${sent}\\r$`, 'm'))
    expect(stalled.answer()).toContain('ERR_UPLOAD_INTERRUPTED')
  })

  it('by PATCH: the newcomer goes on, and late bytes of the old one never land', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(4_000_000)
    const location = await createUpload(served.url, data.length)
    const stalled = await stall(served, location, data.subarray(0, 1_000_000), data.length)
    const taking = patch(location, 1_000_000, data.subarray(1_000_000))
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 409 /)
    stalled.socket.write(randomBytes(100_000))
    expect((await taking).status).toBe(204)
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    expect(await sha256(await upload.save(`${root}/saved`))).toBe(sha256Of(data))
    await upload.acknowledge()
  })

  it('by DELETE: nothing is left of the upload', async () => {
    const served = await serve(await temporaryDirectory())
    const location = await createUpload(served.url, 4_000_000)
    const stalled = await stall(served, location, randomBytes(1_000_000), 4_000_000)
    expect((await fetch(location, { method: 'DELETE', headers: TUS })).status).toBe(204)
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 410 /)
    stalled.socket.write(randomBytes(100_000))
    expect(await readdir(served.directory)).toEqual(['.tussi'])
    expect((await fetch(location, { method: 'HEAD', headers: TUS })).status).toBe(410)
  })

  it('takes over first and compares offsets then', async () => {
    const served = await serve(await temporaryDirectory())
    const location = await createUpload(served.url, 1000)
    await stall(served, location, randomBytes(400), 1000)
    const response = await patch(location, 0, randomBytes(1000))
    expect(response.status).toBe(409)
    expect(response.headers.get('upload-offset')).toBe('400')
    expect((await patch(location, 400, randomBytes(600))).status).toBe(204)
  })

  it('is not asked for by the application looking', async () => {
    const served = await serve(await temporaryDirectory())
    const location = await createUpload(served.url, 1000)
    const stalled = await stall(served, location, randomBytes(400), 1000)
    expect(await served.storage.info(idOf(location))).toMatchObject({ offset: 400 })
    stalled.socket.write(randomBytes(600))
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 204 /)
  })

  it('of 50 newcomers at once lets one history stand', async () => {
    const served = await serve(await temporaryDirectory())
    const location = await createUpload(served.url, 1000)
    await stall(served, location, randomBytes(400), 1000)
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => patch(location, 400, randomBytes(300))),
    )
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(new Set(statuses)).toEqual(new Set([204, 409]))
    expect(await offsetOf(location)).toBe(700)
  })
})

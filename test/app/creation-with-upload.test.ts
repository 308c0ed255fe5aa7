/** Creations whose body breaks off, and what becomes of their upload. @module */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { beginRequest, type RawRequest } from '../raw-request.ts'
import {
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

/** A POST of `length` bytes that has sent `sent` of them. */
function begin({ url }: Served, sent: Uint8Array, length: number): Promise<RawRequest> {
  const fields = { 'Upload-Length': `${length}` }
  return beginRequest(url, { method: 'POST', length, sent, fields })
}

async function offsetOfTheOne({ storage }: Served): Promise<number | undefined> {
  for await (const { offset } of storage.list()) return offset
  return undefined
}

async function expectGoesOn(served: Served, answer: string, data: Uint8Array, root: string) {
  expect(answer).toMatch(/^HTTP\/1\.1 201 /)
  expect(answer).toMatch(/^Connection: close\r$/m)
  const [, told] = /^Upload-Offset: (\d+)\r$/m.exec(answer) ?? []
  const [, path = ''] = /^Location: http:\/\/h(\S+)\r$/m.exec(answer) ?? []
  const location = new URL(path, served.url).href
  const offset = await offsetOf(location)
  expect(`${offset}`).toBe(told)
  expect((await patch(location, offset, data.subarray(offset))).status).toBe(204)
  const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
  expect(await sha256(await upload.save(`${root}/saved`))).toBe(sha256Of(data))
  await upload.acknowledge()
}

describe('a creation with upload', () => {
  it.each([10, 3_000_000])('that is cut off after %d bytes leaves nothing', async (sent) => {
    const served = await serve(await temporaryDirectory())
    const { socket } = await begin(served, randomBytes(sent), 5_000_000)
    await expect.poll(() => offsetOfTheOne(served)).toBe(sent)
    socket.destroy()
    await expect.poll(() => readdir(served.directory)).toEqual(['.tussi'])
  })

  it('whose sender falls silent tells where to go on', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, { idleTimeoutMs: 300 })
    const data = randomBytes(200_000)
    const { answer } = await begin(served, data.subarray(0, 150_000), data.length)
    await expect.poll(answer, { timeout: 5000 }).toMatch(/\r\n\r\n/)
    await expectGoesOn(served, answer(), data, root)
  })

  it.each([
    [{ ...TUS, 'Upload-Length': '5', 'Content-Type': 'application/offset+octet-stream' }, 201],
    [{ 'Upload-Complete': '?1' }, 503],
  ])(
    'whose server ends while a hook is asked tells where to go on: %j',
    async (headers, status) => {
      const served: Served = await serve(await temporaryDirectory(), {
        onCreate: () => void served.tus.close(),
        sniff: () => undefined,
      })
      const answer = await fetch(served.url, { method: 'POST', headers, body: 'hello' })
      expect(answer.status).toBe(status)
      const made = idOf(answer.headers.get('location') ?? '')
      expect((await readdir(served.directory)).sort()).toEqual(['.tussi', made, `${made}.meta`])
    },
  )

  it('at the end of its server tells where to go on', async () => {
    const root = await temporaryDirectory()
    const first = await serve(root)
    const data = randomBytes(200_000)
    const { answer } = await begin(first, data.subarray(0, 150_000), data.length)
    await expect.poll(() => offsetOfTheOne(first)).toBe(150_000)
    await first.tus.close()
    await expect.poll(answer, { timeout: 5000 }).toMatch(/\r\n\r\n/)
    await first.close()
    await expectGoesOn(await serve(root), answer(), data, root)
  })
})

/** Take-over between server processes on one directory. @module */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { recordOf, startServer } from '../cli/commands.ts'
import { beginRequest } from '../raw-request.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  sha256,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

async function openTwo(flags: readonly string[] = []) {
  const root = await temporaryDirectory()
  const a = await startServer(root, [...flags, '--workers', '0'])
  const b = await startServer(root, [...flags, '--workers', '0'])
  return { root, a, b }
}

/** A PATCH to `url` that sends `part` of `length` bytes and then nothing. */
function stall(url: string, part: Uint8Array, length: number) {
  return beginRequest(url, { method: 'PATCH', length, sent: part })
}

describe('take-over between processes', () => {
  it.each([[[]], [['--no-fsync']]])('by HEAD: the offset is true, %j', async (flags) => {
    const { root, a, b } = await openTwo(flags)
    const location = await createUpload(a.url, 4_000_000)
    const stalled = await stall(location, randomBytes(1_500_000), 4_000_000)
    const record = join(root, 'uploads', idOf(location))
    await expect
      .poll(async () => (await recordOf(record)).offset, { timeout: 5000 })
      .toBe(1_500_000)
    stalled.socket.write(randomBytes(1000))
    const before = performance.now()
    const offset = await offsetOf(`${b.url}${idOf(location)}`)
    expect(performance.now() - before).toBeLessThan(500)
    expect([1_500_000, 1_501_000]).toContain(offset)
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 409 /)
    expect(stalled.answer()).toMatch(new RegExp(`^Upload-Offset: ${offset}\\r$`, 'm'))
    expect(stalled.answer()).toContain('ERR_UPLOAD_INTERRUPTED')
    expect(await readdir(join(root, 'uploads', '.tussi', 'stop'))).toEqual([])
  })

  it.each([1000, 3_000_000])('by PATCH of %d bytes: it goes on', async (rest) => {
    const { root, a, b } = await openTwo()
    const data = randomBytes(1_500_000 + rest)
    const location = await createUpload(a.url, data.length)
    const stalled = await stall(location, data.subarray(0, 1_500_000), data.length)
    const record = join(root, 'uploads', idOf(location))
    await expect
      .poll(async () => (await recordOf(record)).offset, { timeout: 5000 })
      .toBe(1_500_000)
    const there = `${b.url}${idOf(location)}`
    expect((await patch(there, 1_500_000, data.subarray(1_500_000))).status).toBe(204)
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 409 /)
    const path = join(root, 'uploads', '.completed', idOf(location))
    expect(await sha256(path)).toBe(sha256Of(data))
  })

  it('by DELETE: nothing is left of the upload', async () => {
    const { root, a, b } = await openTwo()
    const location = await createUpload(a.url, 4_000_000)
    const stalled = await stall(location, randomBytes(1_500_000), 4_000_000)
    const record = join(root, 'uploads', idOf(location))
    await expect
      .poll(async () => (await recordOf(record)).offset, { timeout: 5000 })
      .toBe(1_500_000)
    const there = `${b.url}${idOf(location)}`
    expect((await fetch(there, { method: 'DELETE', headers: TUS })).status).toBe(204)
    await expect.poll(stalled.answer).toMatch(/^HTTP\/1\.1 409 /)
    const left = await readdir(join(root, 'uploads'))
    expect(left.sort()).toEqual(['.completed', '.tussi'])
  })

  it('of a process that was killed needs nobody to ask', async () => {
    const { root, a, b } = await openTwo()
    const location = await createUpload(a.url, 4_000_000)
    await stall(location, randomBytes(1_500_000), 4_000_000)
    const record = join(root, 'uploads', idOf(location))
    await expect
      .poll(async () => (await recordOf(record)).offset, { timeout: 5000 })
      .toBe(1_500_000)
    await a.stop('SIGKILL')
    expect(await offsetOf(`${b.url}${idOf(location)}`)).toBe(1_500_000)
  })

  it('of a process that hangs ends with 423 and when to come back', async () => {
    const { root, a, b } = await openTwo()
    const location = await createUpload(a.url, 4_000_000)
    await stall(location, randomBytes(1_500_000), 4_000_000)
    const record = join(root, 'uploads', idOf(location))
    await expect
      .poll(async () => (await recordOf(record)).offset, { timeout: 5000 })
      .toBe(1_500_000)
    a.child.kill('SIGSTOP')
    onTestFinished(() => void a.child.kill('SIGCONT'))
    const head = await fetch(`${b.url}${idOf(location)}`, {
      method: 'HEAD',
      headers: { 'Tus-Resumable': '1.0.0' },
    })
    expect(head.status).toBe(423)
    expect(head.headers.get('retry-after')).toBe('1')
    a.child.kill('SIGCONT')
    expect(await offsetOf(`${b.url}${idOf(location)}`)).toBe(1_500_000)
  })
})

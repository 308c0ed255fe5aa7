/** On disk it is the same system: the real Python tussi 3.1 on the same directories. @module */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRecord } from '../../src/store/upload-record.ts'
import { required, run, start } from '../run.ts'
import {
  createUpload,
  idOf,
  metadata,
  offsetOf,
  patch,
  serve,
  sha256,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

const PYTHON = 'a Python with tussi==3.1.0'
const DRIVER = new URL('driver.py', import.meta.url).pathname

interface PythonReply {
  readonly name: string
  readonly offset: number
  readonly length: number
  readonly metadata: Readonly<Record<string, string>>
  readonly record: Readonly<Record<string, unknown>>
}

async function python(command: string, root: string, ...args: string[]): Promise<PythonReply> {
  const interpreter = required('TUSSI_PYTHON', PYTHON)
  const { code, stdout, stderr } = await run(interpreter, [DRIVER, command, root, ...args])
  if (code !== 0) throw new Error(`python ${command}: ${stderr}`)
  return JSON.parse(stdout)
}

async function newRoot(): Promise<string> {
  const root = await temporaryDirectory()
  await mkdir(join(root, 'uploads'))
  await mkdir(join(root, 'completed'))
  return root
}

async function fileOf(root: string, data: Uint8Array): Promise<string> {
  const path = join(root, `part-${randomUUID()}`)
  await writeFile(path, data)
  return path
}

describe('Python workers', () => {
  it.each([0, 100, 3_000_000])('take what our server completes, %d bytes', async (length) => {
    const root = await newRoot()
    const { url } = await serve(root, { onCreate: () => ({ by: 'ours' }) })
    const data = randomBytes(length)
    const location = await createUpload(url, length, { filename: 'a b.txt', note: 'ä' })
    if (length > 0) expect((await patch(location, 0, data)).status).toBe(204)
    const dest = join(root, 'saved')
    const { name, record } = await python('work', root, '5', dest)
    expect(name).toBe(idOf(location))
    expect(record).toMatchObject({
      length,
      offset: length,
      metadata: { filename: 'a b.txt', note: 'ä' },
      server_metadata: { by: 'ours' },
      finished_at: expect.stringMatching(/^20.*Z$/),
      duration: expect.stringMatching(/^PT[\d.]+S$/),
    })
    expect(await sha256(dest)).toBe(sha256Of(data))
    expect((await readdir(join(root, 'completed'))).filter((file) => file !== '.tussi')).toEqual([])
  })

  it('and ours never hold the same upload', async () => {
    const root = await newRoot()
    const { url, tus } = await serve(root)
    await createUpload(url, 0)
    const holder = start(required('TUSSI_PYTHON', PYTHON), [DRIVER, 'hold', root])
    await holder.until(/"name"/)
    await expect(tus.waitForFile({ timeoutMs: 300 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    holder.child.stdin.end()
    await holder.ended
    await createUpload(url, 0)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    await expect(python('work', root, '0.5', join(root, 'x'))).rejects.toThrow(/TimeoutError/)
    await upload.acknowledge()
  })
})

describe('our workers', () => {
  it('take what a Python server completes', async () => {
    const root = await newRoot()
    const { tus } = await serve(root)
    const id = randomUUID()
    const data = randomBytes(70_000)
    await python('create', root, id, `${data.length}`, JSON.stringify({ filename: 'ü.bin' }))
    await python('write', root, id, '0', await fileOf(root, data))
    const waiting = tus.waitForFile({ timeoutMs: 5000 })
    await python('finalize', root, id)
    const upload = await waiting
    expect(upload.name).toBe(id)
    expect(upload.record).toMatchObject({
      metadata: { filename: 'ü.bin' },
      serverMetadata: { by: 'python' },
      length: data.length,
      finishedAt: expect.any(Date),
      durationMs: expect.any(Number),
    })
    expect(await sha256(await upload.save(join(root, 'saved')))).toBe(sha256Of(data))
    await upload.acknowledge()
    expect(existsSync(join(root, 'completed', id))).toBe(false)
  })
})

describe('a half-received upload', () => {
  it('goes on in Python and comes back', async () => {
    const root = await newRoot()
    const { url, tus } = await serve(root)
    const data = randomBytes(300_000)
    const part = (from: number, to: number): Uint8Array => data.subarray(from, to)
    const location = await createUpload(url, data.length, { filename: 'a', empty: '' })
    expect((await patch(location, 0, part(0, 100_000))).status).toBe(204)
    const file = await fileOf(root, part(100_000, 200_000))
    expect(await python('write', root, idOf(location), '100000', file)).toMatchObject({
      offset: 200_000,
      metadata: { filename: 'a', empty: '' },
    })
    const head = await fetch(location, { method: 'HEAD', headers: TUS })
    expect(head.headers.get('upload-offset')).toBe('200000')
    // Python drops our key, and the echo is rebuilt.
    expect(head.headers.get('upload-metadata')).toBe(`${metadata({ filename: 'a' })},empty`)
    expect((await patch(location, 200_000, part(200_000, 300_000))).status).toBe(204)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(await sha256(await upload.save(join(root, 'saved')))).toBe(sha256Of(data))
    await upload.acknowledge()
  })

  it('begun by Python and cut off in ours ends in Python', async () => {
    const root = await newRoot()
    const { url, close } = await serve(root)
    const id = randomUUID()
    const data = randomBytes(4_000_000)
    await python('create', root, id, `${data.length}`, '{}')
    await python('write', root, id, '0', await fileOf(root, data.subarray(0, 1_000_000)))
    const location = `${url}${id}`
    expect(await offsetOf(location)).toBe(1_000_000)
    const cut = new AbortController()
    const body = new ReadableStream({
      start: (stream) => stream.enqueue(data.subarray(1_000_000, 3_500_000)),
    })
    const request = fetch(location, {
      method: 'PATCH',
      headers: {
        ...TUS,
        'Content-Type': 'application/offset+octet-stream',
        'Upload-Offset': '1000000',
      },
      body,
      duplex: 'half',
      signal: cut.signal,
    } as RequestInit).catch(() => undefined)
    const record = join(root, 'uploads', `${id}.meta`)
    await expect
      .poll(async () => parseRecord(await readFile(record, 'utf8')).offset, { timeout: 5000 })
      .toBe(3_500_000)
    cut.abort()
    await request
    await close()
    const { offset } = await python('info', root, id)
    expect(offset).toBe(3_500_000)
    await python('write', root, id, `${offset}`, await fileOf(root, data.subarray(offset)))
    await python('finalize', root, id)
    const dest = join(root, 'saved')
    await python('work', root, '5', dest)
    expect(await sha256(dest)).toBe(sha256Of(data))
  })

  it('complete in Python but not finalized is finalized by our HEAD', async () => {
    const root = await newRoot()
    const { url, tus } = await serve(root)
    const id = randomUUID()
    await python('create', root, id, '3', '{}')
    await python('write', root, id, '0', await fileOf(root, Buffer.from('abc')))
    expect(await offsetOf(`${url}${id}`)).toBe(3)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(id)
    await upload.acknowledge()
  })
})

/** The queue in a directory, where it was once wrong. @module */
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Janitor } from 'tussi'
import { describe, expect, it } from 'vitest'
import { start } from '../run.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  type Served,
  serve,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

const SCRIPT = new URL('../app/claim-process.mjs', import.meta.url).pathname
const SILENT = { info() {}, warn() {}, error() {} }

async function open(): Promise<Served & { readonly root: string }> {
  const root = await temporaryDirectory()
  return { ...(await serve(root, { logger: SILENT })), root }
}

describe('the listing below the signals', () => {
  it('finds what a dead worker held although there is always something to do', async () => {
    const { root, url, tus } = await open()
    const worker = start(process.execPath, [SCRIPT, root, '60000'])
    await worker.until(/^ready$/m)
    const id = idOf(await createUpload(url, 0))
    await worker.until(new RegExp(`claimed ${id}`))
    await worker.stop('SIGKILL')
    const seen: string[] = []
    for (let i = 0; i < 12 && !seen.includes(id); i++) {
      await delay(300)
      await createUpload(url, 0)
      const upload = await tus.waitForFile({ timeoutMs: 900 })
      seen.push(upload.name)
      await upload.acknowledge()
    }
    expect(seen).toContain(id)
  })

  it('lets nobody starve behind an upload that is always handed back', async () => {
    const { url, tus } = await open()
    const ids = new Set<string>()
    for (let i = 0; i < 20; i++) ids.add(idOf(await createUpload(url, 0)))
    const seen = new Set<string>()
    for (let i = 0; i < 60 && seen.size < 20; i++) {
      const upload = await tus.waitForFile({ timeoutMs: 5000 })
      seen.add(upload.name)
      if (upload.name === [...ids][0]) await upload.release()
      else await upload.acknowledge()
    }
    expect(seen).toEqual(ids)
  })
})

describe('an upload that is to be tried later', () => {
  it.each([
    ['waits', 0, 'TimeoutError'],
    ['does not when the clock was ahead as that was written', 3600, undefined],
  ])('%s', async (_name, ahead, error) => {
    const { url, tus, completedDir } = await open()
    const id = idOf(await createUpload(url, 0))
    const path = join(completedDir, `${id}.meta`)
    const record = JSON.parse(await readFile(path, 'utf8'))
    const later = Date.now() + ahead * 1000 + 60_000
    const tussi = { ...record.tussi, attempts: 1, not_before_ms: later }
    await writeFile(path, JSON.stringify({ ...record, tussi }))
    const written = Date.now() / 1000 + ahead
    await utimes(path, written, written)
    const claimed = await tus.waitForFile({ timeoutMs: 300 }).catch(({ name }) => name)
    expect(claimed.name ?? claimed).toBe(error ?? id)
    await claimed.acknowledge?.()
  })
})

describe('a closed storage', () => {
  it('tells those who wait, and those who come', async () => {
    const { storage, tus } = await open()
    const waiting = tus.waitForFile()
    const told = expect(waiting).rejects.toMatchObject({ code: 'ERR_SHUTTING_DOWN' })
    await delay(50)
    await storage.close()
    await told
    await expect(tus.waitForFile({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SHUTTING_DOWN',
    })
  })
})

describe('closing a storage', () => {
  it('waits for a body that is being written', async () => {
    const { url, storage } = await open()
    const location = await createUpload(url, 200_000)
    let end = (): void => undefined
    const batches = [
      { pieces: [Buffer.alloc(100_000)], byteLength: 100_000, last: false },
      { pieces: [Buffer.alloc(100_000)], byteLength: 100_000, last: true },
    ]
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const content = {
      async read() {
        if (batches.length === 1) await ended
        return batches.shift() ?? { pieces: [], byteLength: 0, last: true }
      },
    }
    const { completedDir } = storage.openQueue(`${storage.directory}/../completed`)
    const appending = storage.append(idOf(location), { offset: 0, content, completedDir })
    const closing = storage.close()
    end()
    expect(await appending).toMatchObject({ upload: { offset: 200_000, state: 'completed' } })
    await closing
  })
})

describe('an upload whose file was saved', () => {
  it('is remembered, and its record can be had, although the janitor came by', async () => {
    const { root, url, tus, storage, completedDir } = await open()
    const location = await createUpload(url, 0, { filename: 'a' })
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    await upload.save(join(root, 'saved'))
    const record = join(completedDir, `${upload.name}.meta`)
    await utimes(record, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600)
    await new Janitor({ storage, completedDir, logger: SILENT }).run()
    expect(await offsetOf(location)).toBe(0)
    const path = await upload.saveRecord(root)
    expect(path).toBe(join(root, `${upload.name}.meta`))
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ metadata: { filename: 'a' } })
    await upload.acknowledge()
    expect(await readdir(completedDir)).toEqual(['.tussi'])
    expect(await offsetOf(location)).toBe(0)
  })
})

describe('an upload that was acknowledged before a crash', () => {
  it('is not handed out again when its tombstone is swept', async () => {
    const { url, tus, storage, completedDir } = await open()
    const id = idOf(await createUpload(url, 0))
    const record = await readFile(join(completedDir, `${id}.meta`))
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    await upload.acknowledge()
    await writeFile(join(completedDir, `${id}.meta`), record)
    await writeFile(join(completedDir, id), '')
    const old = { completedVisibleMs: 0, logger: SILENT }
    await delay(5)
    await new Janitor({ storage, completedDir, ...old }).run()
    await expect(tus.waitForFile({ timeoutMs: 1500 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
})

describe('odd things by the names of uploads', () => {
  it('stop neither the janitor, nor the list, nor the workers', async () => {
    const { url, tus, storage, directory, completedDir } = await open()
    const odd = '00000000-0000-4000-8000-000000000000'
    await mkdir(join(directory, `${odd}.meta`))
    await writeFile(join(directory, odd), '')
    await mkdir(join(completedDir, odd))
    await createUpload(url, 5)
    const listed: string[] = []
    for await (const { uploadId } of storage.list()) listed.push(uploadId)
    expect(listed).toHaveLength(1)
    const counts = await new Janitor({ storage, completedDir, logger: SILENT }).run()
    expect(counts).toMatchObject({ corrupt: 1, failed: 0 })
    await createUpload(url, 0)
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })
})

describe('a creation of length 0', () => {
  it('is answered 201 although it was worked on before the answer', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, {
      onEvent: async ({ type }) => {
        if (type !== 'upload-created') return
        const { storage, completedDir, tus } = served
        await new Janitor({ storage, completedDir, logger: SILENT }).run()
        await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
      },
    })
    const headers = { ...TUS, 'Upload-Length': '0' }
    expect((await fetch(served.url, { method: 'POST', headers })).status).toBe(201)
  })
})

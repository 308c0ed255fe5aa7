/** What only the storage on a real file system can get wrong. @module */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  statfs,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { FilesystemStorage, Janitor, TusApp } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run } from '../run.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  openDescriptors,
  patch,
  type Served,
  serve,
  sha256,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

const SILENT = { info() {}, warn() {}, error() {} }

function janitorOf({ storage, completedDir }: Served): Janitor {
  return new Janitor({ storage, completedDir, logger: SILENT })
}

async function post(url: string, length: number): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { ...TUS, 'Upload-Length': `${length}` } })
}

/** Sets the clock of a file back by `hours`. */
async function age(path: string, hours: number): Promise<void> {
  const time = Date.now() / 1000 - hours * 3600
  await utimes(path, time, time)
}

describe('space', () => {
  it('is reserved when an upload is created', async () => {
    const { url, directory } = await serve(await temporaryDirectory())
    const location = await createUpload(url, 5_000_000)
    const { size, blocks } = await stat(join(directory, idOf(location)))
    expect(size).toBe(5_000_000)
    expect(blocks * 512).toBeGreaterThanOrEqual(5_000_000)
  })

  it('that is not there is refused with 507, and nothing is left', async () => {
    const { url, directory } = await serve(await temporaryDirectory())
    const { bavail, bsize } = await statfs(directory)
    const response = await post(url, bavail * bsize * 2)
    expect(response.status).toBe(507)
    expect(await response.json()).toMatchObject({ code: 'ERR_INSUFFICIENT_STORAGE' })
    expect(await readdir(directory)).toEqual(['.tussi'])
  })

  it('that ends during an upload is a 507, the offset is true, and it goes on later', async () => {
    const root = await temporaryDirectory()
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', root])
    if (mounted.code !== 0) throw new Error(`a small file system is needed: ${mounted.stderr}`)
    onTestFinished(async () => void (await run('umount', [root])))
    const { url, directory, tus, close } = await serve(root, { logger: SILENT })
    onTestFinished(close)
    const data = randomBytes(4_000_000)
    const location = await createUpload(url, data.length)
    // Python, and file systems that cannot reserve, leave a file that is only long.
    const path = join(directory, idOf(location))
    await writeFile(path, '')
    await writeFile(join(root, 'filler'), Buffer.alloc(4_000_000))
    const refused = await patch(location, 0, data)
    expect(refused.status).toBe(507)
    const offset = await offsetOf(location)
    expect(Number(refused.headers.get('upload-offset'))).toBe(offset)
    expect(offset).toBeLessThan(data.length)
    await writeFile(join(root, 'filler'), '')
    expect((await patch(location, offset, data.subarray(offset))).status).toBe(204)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(await sha256(await upload.save(join(root, 'saved')))).toBe(sha256Of(data))
    await upload.acknowledge()
  })
})

describe('a damaged record', () => {
  it('of an unfinished upload: 500 with a code, reported, nothing deleted', async () => {
    const served = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(served.url, 5)
    const record = join(served.directory, `${idOf(location)}.meta`)
    await writeFile(record, '{"length":')
    const head = await fetch(location, { method: 'HEAD', headers: TUS })
    expect(head.status).toBe(500)
    expect(head.headers.get('tussi-error')).toBe('ERR_CORRUPT_RECORD')
    const refused = await patch(location, 0, randomBytes(5))
    expect(await refused.json()).toMatchObject({ status: 500, code: 'ERR_CORRUPT_RECORD' })
    expect(await janitorOf(served).run()).toMatchObject({ corrupt: 1, stale: 0, failed: 0 })
    expect(await readFile(record, 'utf8')).toBe('{"length":')
    expect(existsSync(join(served.directory, idOf(location)))).toBe(true)
  })

  it.each([2, 5])('that says 5 of %d bytes that were cut to 1 is one', async (length) => {
    const served = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(served.url, 5 + length)
    expect((await patch(location, 0, randomBytes(5))).status).toBe(204)
    const data = join(served.directory, idOf(location))
    await truncate(data, 1)
    const head = await fetch(location, { method: 'HEAD', headers: TUS })
    expect(head.headers.get('tussi-error')).toBe('ERR_CORRUPT_RECORD')
    const refused = await patch(location, 5, randomBytes(length))
    expect(await refused.json()).toMatchObject({ status: 500, code: 'ERR_CORRUPT_RECORD' })
    expect(await janitorOf(served).run()).toMatchObject({ corrupt: 1, stale: 0, failed: 0 })
    expect((await stat(data)).size).toBe(1)
  })

  it('that says sealed of data that was cut is none to finalize', async () => {
    const served = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(served.url, 5)
    const record = join(served.directory, `${idOf(location)}.meta`)
    const sealed = JSON.parse(await readFile(record, 'utf8'))
    const tussi = { ...sealed.tussi, complete: true }
    await writeFile(record, JSON.stringify({ ...sealed, offset: 5, tussi }))
    await truncate(join(served.directory, idOf(location)), 1)
    await expect(
      served.storage.finalize(idOf(location), served.completedDir),
    ).rejects.toMatchObject({ code: 'ERR_CORRUPT_RECORD' })
    expect(existsSync(record)).toBe(true)
  })

  it('of a newer version is refused, in the queue it is left alone', async () => {
    const served = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(served.url, 0)
    const path = join(served.completedDir, `${idOf(location)}.meta`)
    const record = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...record, tussi: { ...record.tussi, v: 2 } }))
    await expect(served.tus.waitForFile({ timeoutMs: 200 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    await janitorOf(served).run()
    expect(existsSync(path)).toBe(true)
  })

  it.each(['worker', 'janitor'])('of more than is there goes to dead/ by the %s', async (who) => {
    const served = await serve(await temporaryDirectory(), { logger: SILENT })
    const { completedDir, tus } = served
    const location = await createUpload(served.url, 5)
    await patch(location, 0, randomBytes(5))
    const id = idOf(location)
    await truncate(join(completedDir, id), 1)
    await age(join(completedDir, id), 1)
    if (who === 'worker') await tus.waitForFile({ timeoutMs: 300 }).catch(() => undefined)
    else expect(await janitorOf(served).run()).toMatchObject({ buried: 1 })
    const reason = join(completedDir, '.tussi', 'dead', id, 'reason')
    expect(await readFile(reason, 'utf8')).toMatch(/has 1 bytes, fewer than the 5/)
  })

  it.each(['worker', 'janitor'])('of a completed upload goes to dead/ by the %s', async (who) => {
    const served = await serve(await temporaryDirectory(), { logger: SILENT })
    const id = idOf(await createUpload(served.url, 0))
    const { completedDir, tus } = served
    await writeFile(join(completedDir, `${id}.meta`), 'damage')
    await age(join(completedDir, id), 1)
    if (who === 'worker') await tus.waitForFile({ timeoutMs: 300 }).catch(() => undefined)
    else expect(await janitorOf(served).run()).toMatchObject({ buried: 1 })
    const grave = join(completedDir, '.tussi', 'dead', id)
    expect((await readdir(grave)).sort()).toEqual(['data', 'reason', 'record'])
    expect(await readFile(join(grave, 'record'), 'utf8')).toBe('damage')
    expect(await readFile(join(grave, 'reason'), 'utf8')).toMatch(/not JSON/)
    expect(await readdir(completedDir)).toEqual(['.tussi'])
  })
})

describe('the janitor', () => {
  it('finalizes what a crash left sealed', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, directory, tus } = served
    const location = await createUpload(url, 3)
    const record = join(directory, `${idOf(location)}.meta`)
    const sealed = JSON.parse(await readFile(record, 'utf8'))
    await writeFile(join(directory, idOf(location)), 'abc')
    const tussi = { ...sealed.tussi, complete: true }
    await writeFile(record, JSON.stringify({ ...sealed, offset: 3, tussi }))
    expect(await janitorOf(served).run()).toMatchObject({ finalized: 1 })
    await using upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(idOf(location))
  })

  it('and five clients that look at once tell the application once', async () => {
    const events: string[] = []
    const served = await serve(await temporaryDirectory(), {
      onEvent: ({ type }) => void events.push(type),
    })
    const { url, directory } = served
    const location = await createUpload(url, 3)
    const record = join(directory, `${idOf(location)}.meta`)
    const sealed = JSON.parse(await readFile(record, 'utf8'))
    const tussi = { ...sealed.tussi, complete: true }
    await writeFile(record, JSON.stringify({ ...sealed, offset: 3, tussi }))
    expect(await Promise.all([1, 2, 3, 4, 5].map(() => offsetOf(location)))).toEqual([
      3, 3, 3, 3, 3,
    ])
    expect(events).toEqual(['upload-created', 'upload-completed'])
  })

  it('ends what a crash left between the record and the move', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, directory, completedDir, tus } = served
    const id = idOf(await createUpload(url, 0))
    // As before the rename: the record stands in both places, the data in the first.
    const record = await readFile(join(completedDir, `${id}.meta`), 'utf8')
    await writeFile(join(directory, `${id}.meta`), record)
    await rename(join(completedDir, id), join(directory, id))
    await age(join(completedDir, `${id}.meta`), 1)
    expect(await janitorOf(served).run()).toMatchObject({ orphaned: 0, finalized: 1 })
    await using upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(id)
  })

  it('removes the record that a crash left after the move', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, directory, completedDir } = served
    const id = idOf(await createUpload(url, 0))
    const left = join(directory, `${id}.meta`)
    await writeFile(left, await readFile(join(completedDir, `${id}.meta`), 'utf8'))
    expect(await offsetOf(`${url}${id}`)).toBe(0)
    await age(left, 1)
    expect(await janitorOf(served).run()).toMatchObject({ orphaned: 1 })
    expect(existsSync(left)).toBe(false)
  })

  it('remembers an upload of which a crash in a save has left the record', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, completedDir } = served
    const id = idOf(await createUpload(url, 0))
    const record = join(completedDir, `${id}.meta`)
    await rename(join(completedDir, id), join(await temporaryDirectory(), 'saved'))
    await age(record, 1)
    expect(await janitorOf(served).run()).toMatchObject({ orphaned: 1 })
    expect(existsSync(record)).toBe(false)
    expect(await offsetOf(`${url}${id}`)).toBe(0)
    expect(await janitorOf(served).run()).toMatchObject({ swept: 0 })
  })

  it('removes what is stale, and only that', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, directory, completedDir } = served
    const [stale, fresh] = [idOf(await createUpload(url, 5)), idOf(await createUpload(url, 5))]
    const record = join(directory, `${stale}.meta`)
    const old = JSON.parse(await readFile(record, 'utf8'))
    await writeFile(record, JSON.stringify({ ...old, last_write: Date.now() / 1000 - 90_000 }))
    const half = randomUUID()
    await writeFile(join(directory, half), '')
    await age(join(directory, half), 25)
    await writeFile(join(directory, 'notes.txt'), 'not ours')
    await writeFile(join(completedDir, '.tussi', 'tmp', 'left'), '')
    await age(join(completedDir, '.tussi', 'tmp', 'left'), 2)
    expect(await janitorOf(served).run()).toMatchObject({ stale: 2, swept: 1, failed: 0 })
    expect((await readdir(directory)).sort()).toEqual(
      ['.tussi', 'notes.txt', fresh, `${fresh}.meta`].sort(),
    )
  })

  it('leaves nothing of a stale upload that could be taken for a completed one', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, directory, completedDir } = served
    const location = await createUpload(url, 3)
    const id = idOf(location)
    // As a crash in finalize leaves it: the record is there already, the data is not.
    const record = JSON.parse(await readFile(join(directory, `${id}.meta`), 'utf8'))
    await writeFile(join(completedDir, `${id}.meta`), JSON.stringify({ ...record, offset: 3 }))
    const old = { ...record, last_write: record.last_write - 90_000 }
    await writeFile(join(directory, `${id}.meta`), JSON.stringify(old))
    expect(await janitorOf(served).run()).toMatchObject({ stale: 1 })
    expect((await fetch(location, { method: 'HEAD', headers: TUS })).status).toBe(410)
  })

  it('removes completed uploads by their age, but not what a worker holds', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, tus, storage, completedDir } = served
    await createUpload(url, 0)
    await using held = await tus.waitForFile({ timeoutMs: 5000 })
    await createUpload(url, 0)
    const janitor = new Janitor({ storage, completedDir, completedFileAgeMs: 0, logger: SILENT })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await janitor.run()).toMatchObject({ expired: 1 })
    expect((await readdir(completedDir)).sort()).toEqual(
      ['.tussi', held.name, `${held.name}.meta`].sort(),
    )
  })

  it('forgets acknowledged uploads after a while', async () => {
    const served = await serve(await temporaryDirectory())
    const { url, tus, storage, completedDir } = served
    const location = await createUpload(url, 0)
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
    expect(await offsetOf(location)).toBe(0)
    const janitor = new Janitor({ storage, completedDir, completedVisibleMs: 0, logger: SILENT })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await janitor.run()).toMatchObject({ swept: 1 })
    await expect(offsetOf(location)).rejects.toThrow('HEAD: 404')
  })
})

describe('saving', () => {
  it('to another file system finds a taken name before it copies', async () => {
    const { url, tus } = await serve(await temporaryDirectory())
    const elsewhere = await temporaryDirectory('/dev/shm')
    await createUpload(url, 0)
    await using upload = await tus.waitForFile({ timeoutMs: 5000 })
    await writeFile(join(elsewhere, 'taken'), '')
    // The copy would fail, and in other words.
    await mkdir(join(elsewhere, `.tussi-${upload.name}.tmp`))
    const save = upload.save(join(elsewhere, 'taken'), { overwrite: false })
    await expect(save).rejects.toMatchObject({ code: 'ERR_FILE_EXISTS' })
  })

  it('also goes to another file system', async () => {
    const root = await temporaryDirectory()
    const elsewhere = join('/dev/shm', `tussi-${randomUUID()}`)
    await mkdir(elsewhere)
    onTestFinished(async () => void (await run('rm', ['-r', elsewhere])))
    expect((await stat(elsewhere)).dev).not.toBe((await stat(root)).dev)
    const { url, tus, completedDir } = await serve(root)
    const data = randomBytes(3_000_000)
    for (const overwrite of [true, false]) {
      await patch(await createUpload(url, data.length), 0, data)
      const upload = await tus.waitForFile({ timeoutMs: 5000 })
      const path = await upload.save(join(elsewhere, `${overwrite}`), { overwrite })
      expect(await sha256(path)).toBe(sha256Of(data))
      expect(existsSync(join(completedDir, upload.name))).toBe(false)
      await expect(
        upload.saveRecord(join(elsewhere, 'true'), { overwrite: false }),
      ).rejects.toMatchObject({ code: 'ERR_FILE_EXISTS' })
      await upload.acknowledge()
    }
    expect((await readdir(elsewhere)).sort()).toEqual(['false', 'true'])
  })
})

describe('the storage', () => {
  it('creates its directories with the mode that it was given', async () => {
    const directory = join(await temporaryDirectory(), 'u')
    await using storage = new FilesystemStorage({ directory, directoryMode: 0o700 })
    storage.openQueue(join(directory, '.completed'))
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, '.completed'))).mode & 0o777).toBe(0o700)
  })

  it('works without native calls', async () => {
    const root = await temporaryDirectory()
    const storage = new FilesystemStorage({ directory: join(root, 'u'), native: false })
    onTestFinished(() => storage.close())
    const tus = new TusApp({ storage, completedDir: join(root, 'c') })
    const request = new Request('http://h/files/', {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': '0' },
    })
    expect((await tus.fetch(request)).status).toBe(201)
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
  })

  it('lets go of every descriptor and temporary file', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, { logger: SILENT })
    const { url, directory, completedDir, tus } = served
    const data = randomBytes(300_000)
    for (let i = 0; i < 30; i++) {
      const location = await createUpload(url, data.length)
      await patch(location, 7, data)
      await patch(location, 0, data.subarray(0, 200_000))
      await patch(location, 200_000, randomBytes(200_000))
      await patch(location, 200_000, data.subarray(200_000))
      const upload = await tus.waitForFile({ timeoutMs: 5000 })
      if (i % 3 === 0) await upload.release()
      else await upload.acknowledge()
    }
    const open = (await openDescriptors(root)).filter((path) => /[0-9a-f]{8}-/.test(path))
    expect(open.filter((path) => !path.includes('/ended/'))).toEqual([])
    expect(await readdir(join(directory, '.tussi', 'tmp'))).toEqual([])
    expect(await readdir(join(completedDir, '.tussi', 'tmp'))).toEqual([])
    await served.close()
    expect(await openDescriptors(root)).toEqual([])
  })

  it('lets a process end that only has it open', async () => {
    const root = await temporaryDirectory()
    const script = `
      import { FilesystemStorage, Janitor, TusApp } from 'tussi'
      const storage = new FilesystemStorage({ directory: '${root}/u' })
      const tus = new TusApp({ storage, completedDir: '${root}/c' })
      new Janitor({ storage, completedDir: '${root}/c' }).start()
      await storage.freeSpace()
      for await (const each of storage.list()) console.log(each)
      await tus.waitForFile({ timeoutMs: 10 }).catch((error) => console.log(error.name))`
    const cwd = new URL('../..', import.meta.url).pathname
    const started = Date.now()
    const ended = await run(process.execPath, ['--input-type=module', '-e', script], { cwd })
    expect(ended).toMatchObject({ code: 0, stdout: 'TimeoutError\n', stderr: '' })
    expect(Date.now() - started).toBeLessThan(10_000)
  })
})

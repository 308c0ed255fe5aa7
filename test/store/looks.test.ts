/**
 * Looks from memory: the same as from an I/O thread, or none. Two storages on one directory stand for two
 * processes.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import {
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { FilesystemStorage } from 'tussi'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { cachedFiles } from '../../src/store/fs/cached-files.ts'
import { CachedLook } from '../../src/store/fs/cached-look.ts'
import { IoPool } from '../../src/store/fs/io-pool.ts'
import { loadPosix } from '../../src/store/fs/posix.ts'
import { temporaryDirectory } from '../serve.ts'

const ID = '11111111-2222-4333-8444-555555555555'
const NEW = { id: ID, length: 1000, metadata: {}, serverMetadata: {}, uploadMetadata: '' }

/** ext4, XFS, Btrfs and tmpfs: on another one there is nothing to test here, and that is an error. */
const SUITABLE = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994])

async function open(root: string, options: { readonly fsync?: boolean } = {}) {
  const directory = join(root, 'uploads')
  const storage = new FilesystemStorage({ directory, fsync: false, ...options })
  onTestFinished(() => storage.close())
  return { storage, directory }
}

function lookAt(directory: string, syncedAt?: () => number): CachedLook {
  const files = cachedFiles(directory)
  if (!files) throw new Error(`nothing can be read from memory alone in ${directory}`)
  return new CachedLook({ directory, files, posix: loadPosix(), syncedAt })
}

describe.each([
  ['where the tests are', () => temporaryDirectory()],
  ['in memory', () => temporaryDirectory('/dev/shm')],
])('a look from memory, %s', (_where, place) => {
  it('needs no I/O thread', async () => {
    const root = await place()
    expect(SUITABLE).toContain((await statfs(root)).type)
    const { storage } = await open(root)
    const made = await storage.create(NEW)
    const calls = [vi.spyOn(IoPool.prototype, 'run'), vi.spyOn(IoPool.prototype, 'untilFree')]
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await storage.settledInfo(ID)).toEqual(made)
    expect(await storage.info(ID)).toEqual(made)
    for (const call of calls) expect(call).not.toHaveBeenCalled()
  })

  it('sees each change, whoever made it', async () => {
    const root = await place()
    const [{ storage: one }, { storage: other }] = [await open(root), await open(root)]
    await one.create(NEW)
    for (let offset = 0; offset < 1000; offset += 100) {
      const batch = { pieces: [new Uint8Array(100)], byteLength: 100, last: true }
      const content = { read: async () => batch }
      await one.append(ID, { offset, content, completedDir: join(root, 'completed') })
      if (offset + 100 < 1000) expect((await other.settledInfo(ID)).offset).toBe(offset + 100)
    }
    await expect(other.settledInfo(ID)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })

  it('is none while another process holds the upload', async () => {
    const { storage, directory } = await open(await place())
    await storage.create(NEW)
    const look = lookAt(directory)
    const held = openSync(join(directory, ID), 'r+')
    loadPosix().mark(held)
    expect(look.settledInfo(ID)).toBeUndefined()
    expect(look.info(ID)).toMatchObject({ size: 1000 })
    const waiting = storage.settledInfo(ID)
    const first = await Promise.race([
      waiting,
      new Promise((done) => setTimeout(done, 100, 'none')),
    ])
    expect(first).toBe('none')
    closeSync(held)
    expect((await waiting).offset).toBe(0)
    expect(look.settledInfo(ID)).toMatchObject({ size: 1000 })
  })

  it('tells nothing that was changed after the last sync', async () => {
    const { storage, directory } = await open(await place())
    await storage.create(NEW)
    expect(lookAt(directory, () => Number.NEGATIVE_INFINITY).info(ID)).toBeUndefined()
    expect(lookAt(directory, () => Date.now() - 1000).info(ID)).toBeUndefined()
    expect(lookAt(directory, () => Date.now() + 1000).info(ID)).toMatchObject({ size: 1000 })
  })

  it('tells from memory what was synced', async () => {
    const { storage } = await open(await place(), { fsync: true })
    await storage.create(NEW)
    const other = { ...NEW, id: ID.replace('1', '2') }
    const run = vi.spyOn(IoPool.prototype, 'untilFree')
    onTestFinished(() => void vi.restoreAllMocks())
    // The clock of files ticks every few milliseconds.
    await vi.waitFor(async () => {
      await storage.create({ ...other, id: crypto.randomUUID() })
      run.mockClear()
      expect((await storage.settledInfo(ID)).offset).toBe(0)
      expect(run).not.toHaveBeenCalled()
    })
  })
})

describe('what is left to an I/O thread', () => {
  it.each([
    ['nothing', async (path: string) => rm(path)],
    ['a link instead of the data', async (path: string) => moved(path)],
    ['a link instead of the record', async (path: string) => moved(`${path}.meta`)],
    ['no record', async (path: string) => rm(`${path}.meta`)],
    [
      'a pipe instead of the data, which would be waited for',
      async (path: string) => {
        await rm(path)
        expect(spawnSync('mkfifo', [path]).status).toBe(0)
      },
    ],
    [
      'a pipe instead of the record',
      async (path: string) => {
        await rm(`${path}.meta`)
        expect(spawnSync('mkfifo', [`${path}.meta`]).status).toBe(0)
      },
    ],
    [
      'a directory instead of the record',
      async (path: string) => {
        await rm(`${path}.meta`)
        await mkdir(`${path}.meta`)
      },
    ],
    [
      'a record that is longer than most',
      async (path: string) => {
        const record = JSON.parse(await readFile(`${path}.meta`, 'utf8'))
        record.metadata.long = 'x'.repeat(20_000)
        await writeFile(`${path}.meta`, JSON.stringify(record))
      },
    ],
  ])('%s', async (_what, change) => {
    const { storage, directory } = await open(await temporaryDirectory())
    await storage.create(NEW)
    const look = lookAt(directory)
    expect(look.info(ID)).toBeDefined()
    await change(join(directory, ID))
    expect(look.info(ID)).toBeUndefined()
    expect(look.settledInfo(ID)).toBeUndefined()
  })

  it('a record of which only a part is in memory', async () => {
    const { storage, directory } = await open(await temporaryDirectory())
    const value = 'x'.repeat(10_000)
    await storage.create({ ...NEW, metadata: { value } })
    const look = lookAt(directory)
    expect(look.info(ID)).toBeDefined()
    // Written out, dropped, and only the first page read again.
    const drop = `import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.fsync(fd)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
os.pread(fd, 100, 0)`
    const dropped = spawnSync('python3', ['-c', drop, join(directory, `${ID}.meta`)])
    expect(dropped.status, String(dropped.stderr)).toBe(0)
    expect(look.info(ID)).toBeUndefined()
    expect((await storage.settledInfo(ID)).metadata).toEqual({ value })
  })

  it('leaves no trace of its reading, which would have to be written', async () => {
    const { storage, directory } = await open(await temporaryDirectory())
    await storage.create(NEW)
    const path = join(directory, `${ID}.meta`)
    const before = (await stat(path)).atimeMs
    expect(lookAt(directory).info(ID)).toBeDefined()
    expect((await stat(path)).atimeMs).toBe(before)
  })

  it('which finds the long record', async () => {
    const { storage } = await open(await temporaryDirectory())
    const value = 'x'.repeat(20_000)
    await storage.create({ ...NEW, metadata: { value } })
    expect((await storage.settledInfo(ID)).metadata).toEqual({ value })
  })

  it('everything, where native is false or the storage is closed', async () => {
    const directory = join(await temporaryDirectory(), 'uploads')
    const storage = new FilesystemStorage({ directory, native: false })
    await storage.create(NEW)
    expect((await storage.settledInfo(ID)).offset).toBe(0)
    await storage.close()
    await expect(storage.settledInfo(ID)).rejects.toMatchObject({ code: 'ERR_SHUTTING_DOWN' })
    const second = (await open(join(directory, '..'))).storage
    await second.close()
    await expect(second.info(ID)).rejects.toMatchObject({ code: 'ERR_SHUTTING_DOWN' })
  })

  it('is answered when it was asked before the storage was closed', async () => {
    const { storage } = await open(await temporaryDirectory())
    await storage.create(NEW)
    const unknown = ID.replace('1', '2')
    const asked = [storage.info(ID), storage.settledInfo(ID), storage.info(unknown)]
    const settled = Promise.allSettled(asked)
    await storage.close()
    expect(await settled).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { reason: { code: 'ERR_UPLOAD_NOT_FOUND' } },
    ])
  })

  it('a data file that has lost bytes is told by both', async () => {
    const root = await temporaryDirectory()
    const { storage, directory } = await open(root)
    await storage.create({ ...NEW, length: null })
    const batch = { pieces: [new Uint8Array(100)], byteLength: 100, last: true }
    const content = { read: async () => batch }
    await storage.append(ID, { offset: 0, content, completedDir: join(root, 'completed') })
    await truncate(join(directory, ID), 50)
    await expect(storage.settledInfo(ID)).rejects.toMatchObject({ code: 'ERR_CORRUPT_RECORD' })
  })
})

async function moved(path: string): Promise<void> {
  await rename(path, `${path}.moved`)
  await symlink(`${path}.moved`, path)
}

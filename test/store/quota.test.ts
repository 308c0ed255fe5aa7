/** Quotas between processes, and what crashes leave of them. */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FilesystemStorage, Janitor, type NewUpload } from 'tussi'
import { expect, it, onTestFinished } from 'vitest'
import { type Running, start } from '../run.ts'
import { temporaryDirectory } from '../serve.ts'

const PROCESS = new URL('quota-process.mjs', import.meta.url).pathname
const SILENT = { info() {}, warn() {}, error() {} }

interface Opened {
  readonly storage: FilesystemStorage
  readonly directory: string
  readonly completedDir: string
  /** Makes an upload of `length` bytes within 100. */
  create(length: number | null, given?: Partial<NewUpload>): Promise<string>
  /** The markers of all owners. */
  markers(): Promise<string[]>
  sweep(): Promise<number>
}

async function open(): Promise<Opened> {
  const root = await temporaryDirectory()
  const [directory, completedDir] = [join(root, 'uploads'), join(root, 'completed')]
  const storage = new FilesystemStorage({ directory })
  onTestFinished(() => storage.close())
  const quotas = join(directory, '.tussi', 'quota')
  return {
    storage,
    directory,
    completedDir,
    create: async (length, given = {}) => {
      const texts = { metadata: {}, uploadMetadata: '', serverMetadata: {} }
      const upload = { id: randomUUID(), length, ...texts, notes: { owner: 'me' }, quota: 100 }
      return (await storage.create({ ...upload, ...given })).uploadId
    },
    markers: async () => {
      const owners = await readdir(quotas)
      const all = await Promise.all(owners.map((owner) => readdir(join(quotas, owner))))
      return all.flat()
    },
    sweep: async () => (await new Janitor({ storage, completedDir, logger: SILENT }).run()).swept,
  }
}

/** Processes that make and end uploads of 60 bytes, of which the quota lets one be. */
async function startFour(
  directory: string,
  completedDir: string,
  rounds: number,
): Promise<Running[]> {
  const args = [PROCESS, directory, completedDir, join(directory, '..', 'alone'), `${rounds}`]
  const processes = Array.from({ length: 4 }, () => start(process.execPath, args))
  for (const one of processes) await one.until(/ready/)
  for (const { child } of processes) child.stdin.write('go\n')
  return processes
}

const EXCEEDED = { code: 'ERR_QUOTA_EXCEEDED' }

it('is never exceeded by processes that create at the same time', async () => {
  const { directory, completedDir, create } = await open()
  const processes = await startFour(directory, completedDir, 500)
  const sum = { made: 0, refused: 0, met: 0 }
  for (const { stdout } of await Promise.all(processes.map((one) => one.ended))) {
    const { made, refused, met } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as typeof sum
    sum.made += made
    sum.refused += refused
    sum.met += met
  }
  expect(sum.met).toBe(0)
  expect(sum.made).toBeGreaterThan(100)
  expect(sum.refused).toBeGreaterThan(100)
  await create(100)
})

it('counts after kills in the middle of everything what is there, and no more', async () => {
  const { storage, directory, completedDir, create } = await open()
  for (let round = 0; round < 4; round++) {
    const processes = await startFour(directory, completedDir, 100_000)
    await Promise.all(processes.map((one) => one.until(/under way/)))
    await Promise.all(processes.map((one) => one.stop('SIGKILL')))
    const left: string[] = []
    for await (const { uploadId } of storage.list()) left.push(uploadId)
    expect(left.length).toBeLessThan(2)
    if (left.length > 0) await expect(create(41)).rejects.toMatchObject(EXCEEDED)
    for (const id of left) await storage.terminate(id, { completedDir, end: 'terminated' })
    const id = await create(100)
    await storage.terminate(id, { completedDir, end: 'terminated' })
  }
})

it('leaves no marker of an upload that has ended', async () => {
  const { storage, completedDir, create, markers } = await open()
  const gone = await create(10)
  const done = await create(5)
  expect((await markers()).sort()).toEqual([`${gone}.10`, `${done}.5`].sort())
  await storage.terminate(gone, { completedDir, end: 'terminated' })
  const read = async () => ({ pieces: [Buffer.from('hello')], byteLength: 5, last: true })
  await storage.append(done, { offset: 0, content: { read }, completedDir })
  expect(await markers()).toEqual([])
})

it('leaves none of one either that nobody knew the length of', async () => {
  const { storage, completedDir, create, markers } = await open()
  const id = await create(null)
  const batch = { pieces: [Buffer.alloc(100_000)], byteLength: 100_000, last: false }
  const batches = [batch, batch, { ...batch, last: true }]
  const read = async () => batches.shift() ?? batch
  const request = { offset: 0, content: { read }, completedDir, complete: true, quota: 10_000_000 }
  const { upload } = await storage.append(id, request)
  expect(upload).toMatchObject({ state: 'completed', length: 300_000 })
  expect(await markers()).toEqual([])
})

it('counts nothing of an upload that has left without a word', async () => {
  const { directory, create, markers } = await open()
  const id = await create(100)
  // As a crash leaves it, or a Python server that completes it.
  await rm(join(directory, id))
  await rm(join(directory, `${id}.meta`))
  const next = await create(60)
  expect(await markers()).toEqual([`${next}.60`])
})

it('counts nothing of a creation that a crash has ended', async () => {
  const { directory, create } = await open()
  const id = await create(100)
  // The record comes last.
  await rm(join(directory, `${id}.meta`))
  await create(100)
})

it('counts nothing of an upload whose move to the queue a crash has ended', async () => {
  const { directory, create } = await open()
  const id = await create(100)
  await rm(join(directory, id))
  await create(100)
})

it('counts the larger of two markers that a crash has left of one upload', async () => {
  const { directory, create } = await open()
  const id = await create(40)
  const [owner = ''] = await readdir(join(directory, '.tussi', 'quota'))
  await writeFile(join(directory, '.tussi', 'quota', owner, `${id}.30`), '')
  await expect(create(61)).rejects.toMatchObject(EXCEEDED)
  await create(60)
})

it('makes nothing when the space is missing, and frees what it had reserved', async () => {
  const { create, markers } = await open()
  const quota = Number.MAX_SAFE_INTEGER
  await expect(create(2 ** 50, { quota })).rejects.toMatchObject({
    code: 'ERR_INSUFFICIENT_STORAGE',
  })
  expect(await markers()).toEqual([])
})

it('is swept by the janitor, but for what counts', async () => {
  const { directory, create, markers, sweep } = await open()
  const id = await create(10)
  const lost = await create(20)
  await create(30, { notes: { owner: 'you' } }).then((yours) => rm(join(directory, yours)))
  await rm(join(directory, lost))
  await mkdir(join(directory, '.tussi', 'quota', 'empty'))
  expect(await sweep()).toBe(3)
  expect(await markers()).toEqual([`${id}.10`])
  expect(await readdir(join(directory, '.tussi', 'quota'))).toHaveLength(1)
  expect(await sweep()).toBe(0)
  await create(90)
})

it('goes on while the janitor removes what is empty', async () => {
  const { storage, completedDir, create, sweep } = await open()
  for (let round = 0; round < 20; round++) {
    const [id] = await Promise.all([create(100), sweep()])
    await expect(create(1)).rejects.toMatchObject(EXCEEDED)
    await storage.terminate(id, { completedDir, end: 'terminated' })
  }
})

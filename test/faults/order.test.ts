/** No answer leaves before what it acknowledges is on the disk: read from the system calls. @module */
import { randomBytes } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { start } from '../run.ts'
import { createUpload, idOf, offsetOf, patch, TUS, temporaryDirectory } from '../serve.ts'
import { mutant } from './mutant.ts'
import { sendAllKinds } from './order.ts'
import { type Call, findBrokenPromises, startTraced } from './trace.ts'

async function trace(main: string, flags: string[] = []): Promise<{ calls: Call[]; cwd: string }> {
  const cwd = await realpath(await temporaryDirectory())
  const server = await startTraced(main, cwd, ['--completed-dir', 'completed', ...flags])
  await sendAllKinds(server.url)
  return { calls: await server.end(), cwd }
}

const answers = (calls: readonly Call[]): number =>
  calls.filter(({ text }) => /"HTTP\/1\.1 20[14] /.test(text)).length

describe('the order of system calls', () => {
  it('keeps the first promise for every kind of upload', async () => {
    const { calls, cwd } = await trace(SERVER)
    expect(answers(calls)).toBe(5 + 7 + 3)
    expect(findBrokenPromises(calls, cwd)).toEqual([])
  })

  it('without fsync has no sync after the start, and the same steps', async () => {
    const { calls, cwd } = await trace(SERVER, ['--no-fsync'])
    const first = calls.findIndex(({ text }) => text.includes('listening on'))
    const later = calls.slice(first)
    expect(later.filter(({ name }) => name === 'fsync' || name === 'fdatasync')).toEqual([])
    const renames = later.filter(
      ({ name, paths }) => name === 'rename' && paths[0]?.startsWith(cwd),
    )
    expect(renames.length).toBeGreaterThanOrEqual(5 + 7 + 5 + 6)
  })
})

/** How many syncs these uploads took, all at the same time. */
async function syncsFor(uploads: number, main = SERVER): Promise<number> {
  const cwd = await temporaryDirectory()
  const server = await startTraced(main, cwd, [])
  const send = async (): Promise<void> => {
    const url = await createUpload(server.url, 4096)
    expect((await patch(url, 0, randomBytes(4096))).status).toBe(204)
  }
  await Promise.all(Array.from({ length: uploads }, send))
  const calls = await server.end()
  const from = calls.findIndex(({ text }) => text.includes('listening on'))
  return calls.slice(from).filter(({ name }) => /^(fsync|fdatasync|syncfs)$/.test(name)).length
}

describe('the syncs of concurrent uploads', () => {
  const MANY = 64

  it('are shared', async () => {
    expect(await syncsFor(MANY)).toBeLessThan(((await syncsFor(1)) * MANY) / 3)
  })

  it('would not be without the grouping of directories and files', async () => {
    const file = join('store', 'fs', 'io-thread.js')
    const alone = await mutant(file, 'SYNC_ALL_FROM = 8', 'SYNC_ALL_FROM = 1e9')
    expect(await syncsFor(MANY, alone)).toBeGreaterThan(((await syncsFor(1)) * MANY) / 3)
  })
})

describe('a sync that stands for many', () => {
  it('is not asked about bytes that were written before', async () => {
    const cwd = await realpath(await temporaryDirectory())
    const server = await startTraced(SERVER, cwd, [])
    const body = randomBytes(100_000)
    const locations = await Promise.all(
      Array.from({ length: 32 }, () => createUpload(server.url, body.length + 1)),
    )
    await Promise.all(locations.map((location) => patch(location, 0, body)))
    const calls = await server.end()
    const synced = new Set(calls.filter(({ name }) => name === 'fdatasync').map(({ file }) => file))
    // When the kernel failed to write them earlier, only the descriptor that was open then is told.
    for (const location of locations) {
      expect(synced).toContain(join(cwd, 'uploads', idOf(location)))
    }
  })
})

describe('what another process left without its last sync', () => {
  const DIRTY = ['--no-fsync', '--completed-dir', 'completed']

  it.each([
    ['an offset', 20, 'uploads'],
    ['a completion', 10, 'completed'],
  ])('%s is told once the directory was synced', async (_what, length, directory) => {
    const cwd = await realpath(await temporaryDirectory())
    const first = start(process.execPath, [SERVER, '--port', '0', '--workers', '0', ...DIRTY], {
      cwd,
    })
    const [, url = ''] = await first.until(/^listening on (http:\S+)$/m)
    const id = idOf(await createUpload(url, length))
    expect((await patch(`${url}${id}`, 0, randomBytes(10))).status).toBe(204)
    await first.stop('SIGKILL')
    const second = await startTraced(SERVER, cwd, ['--completed-dir', 'completed'])
    expect(await offsetOf(`${second.url}${id}`)).toBe(10)
    const calls = await second.end()
    const from = calls.findIndex(({ text }) => text.includes('listening on'))
    const told = calls.findIndex(({ text }) => /"HTTP\/1\.1 200 /.test(text))
    const before = calls.slice(from, told).filter(({ name }) => name === 'fsync')
    expect(before.map(({ file }) => file)).toContain(join(cwd, directory))
  })

  it('an offset whose sync has failed is not told', async () => {
    const cwd = await realpath(await temporaryDirectory())
    const fail = ['-e', 'inject=fsync:error=EIO:when=6+']
    const server = await startTraced(SERVER, cwd, [], fail)
    const url = await createUpload(server.url, 1000)
    let acknowledged = 0
    let status = 204
    while (status === 204) {
      status = (await patch(url, acknowledged, randomBytes(10))).status
      if (status === 204) acknowledged += 10
    }
    expect(status).toBe(500)
    expect(acknowledged).toBeGreaterThan(0)
    const head = await fetch(url, { method: 'HEAD', headers: TUS })
    expect([head.status, head.headers.get('upload-offset')]).toEqual([500, null])
    // By a signal that leaves no time for the syncs at an exit, which would fail as well.
    await server.kill()
  })
})

describe('an upload whose end', () => {
  // Counted for each thread: of the one that gets the first call of a server.
  it.each([
    ['has bytes that could not be synced', 1, 0],
    ['has a record that could not be synced', 2, 10],
  ])('%s is told no further than it is durable', async (_what, when, offset) => {
    const cwd = await realpath(await temporaryDirectory())
    const first = await startTraced(SERVER, cwd, [])
    const id = idOf(await createUpload(first.url, 10))
    await first.end()
    const fail = ['-e', `inject=fdatasync:error=EIO:when=${when}`]
    const second = await startTraced(SERVER, cwd, [], fail)
    const url = second.url + id
    expect((await patch(url, 0, randomBytes(10))).status).toBe(500)
    expect(await offsetOf(url)).toBe(offset)
    await second.kill()
  })
})

/** A sync taken out of the built server; the suite above must notice. */
const MUTATIONS: readonly (readonly [string, string, string, string])[] = [
  [
    'of a small body',
    'append.js',
    'record: advance(record, end), first: [dataOf(fd)]',
    'record: advance(record, end), first: []',
  ],
  [
    'of a body that comes with the creation',
    'create.js',
    'record: received, first: [dataOf(fd)]',
    'record: received, first: []',
  ],
  ['of a long body', 'append.js', 'first: [earlierDataOf(fd)]', 'first: []'],
  ['of a record’s content', 'record-file.js', '[...first, dataOf(fd)]', 'first'],
  ['of a record’s entry', 'record-file.js', 'yield* syncDirectory(io, dirname(path));', ''],
  [
    'of the completed directory',
    'finalize.js',
    '(io, completedDir, io.directory)',
    '(io, io.directory)',
  ],
  [
    'of the upload directory',
    'finalize.js',
    '(io, completedDir, io.directory)',
    '(io, completedDir)',
  ],
]

describe('the suite notices a missing sync', () => {
  it.each(MUTATIONS)('%s', async (_what, file, code, without) => {
    const main = await mutant(join('store', 'fs', file), code, without)
    const { calls, cwd } = await trace(main)
    expect(findBrokenPromises(calls, cwd)).not.toEqual([])
  })
})

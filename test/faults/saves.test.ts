/**
 * The server is killed at each system call by which a worker moves a finished upload to its destination.
 * The next worker finishes that save: there is one file in the end, and it is whole.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SERVER, startServer } from '../cli/commands.ts'
import { createUpload, idOf, patch, sha256, sha256Of, temporaryDirectory } from '../serve.ts'
import { seededBytes } from './seeded.ts'
import { straced } from './strace.ts'

const DATA = seededBytes(4, 300_000)
/** The log of a save that has ended. */
const SAVED = / info saved /

interface Place {
  readonly cwd: string
  readonly dest: string
  /** The upload that waits for a worker. */
  readonly source: string
}

/** A server's directories with one finished upload in them. */
async function prepare(dest?: string): Promise<Place> {
  const cwd = await realpath(await temporaryDirectory())
  const server = await startServer(cwd, ['--workers', '0'])
  const location = await createUpload(server.url, DATA.length, { filename: 'a.bin' })
  expect((await patch(location, 0, DATA)).status).toBe(204)
  expect(await server.stop()).toMatchObject({ code: 0 })
  const source = join(cwd, 'uploads', '.completed', idOf(location))
  return { cwd, dest: dest ?? join(cwd, 'dest'), source }
}

function temporaryOf({ dest, source }: Place): string {
  return join(dest, `.tussi-${source.slice(-36)}.tmp`)
}

/** Lets a server save it that dies at its first `call` on `path`. */
async function saveWithDeath(
  { cwd, dest }: Place,
  [call, path]: readonly [string, string],
  fail: readonly string[] = [],
): Promise<void> {
  const kill = ['-e', `inject=${call}:signal=SIGKILL:when=1`]
  const trace = ['-e', `trace=${call},renameat2`, '-P', path, ...fail, ...kill]
  const doomed = straced(cwd, ['-o', join(cwd, 'trace'), ...trace], SERVER, ['--dest-dir', dest])
  const saved = doomed.until(SAVED).catch(() => undefined)
  await Promise.race([doomed.ended, saved])
  expect(doomed.stderr()).not.toMatch(SAVED)
  expect(await doomed.ended).toMatchObject({ signal: 'SIGKILL' })
}

/** Lets another server finish it; resolves with what lies in the destination, all of it whole. */
async function finish({ cwd, dest, source }: Place, fail: readonly string[] = []) {
  const options = ['-o', '/dev/null', '-e', 'trace=renameat2', ...fail]
  const next = straced(cwd, options, SERVER, ['--dest-dir', dest])
  await next.until(/^listening on /m)
  await expect.poll(() => existsSync(source), { timeout: 15_000 }).toBe(false)
  expect(await next.stop()).toMatchObject({ code: 0 })
  const names = (await readdir(dest)).sort()
  for (const name of names.filter((name) => !name.endsWith('.meta'))) {
    expect(await sha256(join(dest, name)), name).toBe(sha256Of(DATA))
  }
  return names
}

const NO_RENAME = ['-e', 'inject=renameat2:error=EINVAL']

describe('a save within one file system', { timeout: 60_000 }, () => {
  it('is one step', async () => {
    const place = await prepare()
    await saveWithDeath(place, ['renameat2', place.source])
    // Should the step have been done, its record is not there: see Known limits.
    expect((await finish(place)).filter((name) => name !== 'a.bin.meta')).toEqual(['a.bin'])
  })

  it.each([
    ['link', 'without it', NO_RENAME],
    ['unlink', 'without it', NO_RENAME],
    ['unlink', 'with it', []],
  ])('without that step is finished after a kill at %s, %s', async (call, _how, then) => {
    const place = await prepare()
    await saveWithDeath(place, [call, place.source], NO_RENAME)
    expect(await finish(place, then)).toEqual(['a.bin', 'a.bin.meta'])
  })

  it('whose sync fails is done again', async () => {
    const place = await prepare()
    const { cwd, dest } = place
    const fail = ['-e', 'trace=fsync', '-P', dest, '-e', 'inject=fsync:error=EIO:when=1']
    const options = ['-o', join(cwd, 'trace'), '-E', 'UV_THREADPOOL_SIZE=1', ...fail]
    const server = straced(cwd, options, SERVER, ['--dest-dir', dest])
    await server.until(SAVED)
    expect(await server.stop()).toMatchObject({ code: 0 })
    expect(await readFile(join(cwd, 'trace'), 'utf8')).toContain('EIO')
    expect(await finish(place)).toEqual(['a.bin', 'a.bin.meta'])
  })
})

describe('a save to another file system', { timeout: 60_000 }, () => {
  it.each([
    ['the copy', 'openat', temporaryOf],
    ['its name', 'link', temporaryOf],
    ['the end of the original', 'unlink', ({ source }: Place) => source],
  ])('is finished after a kill at %s', async (_what, call, pathOf) => {
    const place = await prepare(await temporaryDirectory('/dev/shm'))
    await saveWithDeath(place, [call, pathOf(place)])
    expect(await finish(place)).toEqual(['a.bin', 'a.bin.meta'])
  })

  it('leaves at most a second name after a kill at its last step', async () => {
    const place = await prepare(await temporaryDirectory('/dev/shm'))
    await saveWithDeath(place, ['unlink', temporaryOf(place)])
    const names = await finish(place)
    expect(names.filter((name) => !name.startsWith('.tussi-'))).toEqual(['a.bin'])
  })
})

/**
 * System calls that fail once: the answer says so with a code, the offset stays true, the client goes
 * on, and nothing is left lying about.
 *
 * @module
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SERVER, saved } from '../cli/commands.ts'
import { sha256, sha256Of, temporaryDirectory } from '../serve.ts'
import { sendStubbornly } from './client.ts'
import { seededBytes } from './seeded.ts'
import { straced } from './strace.ts'

/** What is made to fail, how, and from which time on in one thread; start-up has the first ones. */
const CASES = [
  ['fdatasync', 'EIO', 1],
  ['fdatasync', 'EIO', 2],
  ['fdatasync', 'EIO', 3],
  ['fdatasync', 'ENOSPC', 4],
  // Not 6 and 7: in the main thread these are of koffi, which at the end syncs the standard streams.
  ['fsync', 'EIO', 8],
  ['fsync', 'EIO', 9],
  ['rename', 'ENOSPC', 2],
  ['rename', 'EIO', 3],
  ['rename', 'EDQUOT', 4],
  ['rename', 'EROFS', 5],
  ['pwrite64', 'EIO', 1],
  ['pwrite64', 'ENOSPC', 1],
  ['pwritev', 'EIO', 1],
  ['pwritev', 'ENOSPC', 1],
  ['fallocate', 'ENOSPC', 1],
  ['fallocate', 'EDQUOT', 1],
  ['fallocate', 'EOPNOTSUPP', 1],
  ['flock', 'EINTR', 2],
  ['flock', 'ENOLCK', 2],
] as const

it.each(CASES)('%s fails with %s, number %d', async (call, error, when) => {
  const cwd = await temporaryDirectory()
  const data = seededBytes(when, 150_000)
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${when}`]
  const server = straced(cwd, ['-o', join(cwd, 'trace'), ...inject], SERVER, [])
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  // Long bodies, which the main thread writes, and short ones, which ride in a message.
  for (const chunkSize of [100_000, 20_000]) {
    const name = `${chunkSize}.bin`
    await sendStubbornly({ url, name, data, chunkSize, signal: AbortSignal.timeout(60_000) })
    const found = (): Promise<string> => sha256(join(cwd, 'dest', name)).catch(() => '')
    await expect.poll(found, { timeout: 15_000 }).toBe(sha256Of(data))
  }
  const completed = join(cwd, 'uploads', '.completed')
  await expect.poll(() => readdir(completed), { timeout: 15_000 }).toEqual(['.tussi'])
  expect(await readdir(join(cwd, 'uploads', '.tussi', 'tmp'))).toEqual([])
  expect(await readdir(join(completed, '.tussi', 'tmp'))).toEqual([])
  const { code, stderr } = await server.stop()
  expect(code).toBe(0)
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(await readFile(join(cwd, 'trace'), 'utf8')).toContain(`${error}`)
})

it('a shared sync that fails is repeated for each file', async () => {
  const cwd = await temporaryDirectory()
  const options = ['-e', 'trace=syncfs', '-e', 'inject=syncfs:error=EIO', '-o', join(cwd, 'trace')]
  const server = straced(cwd, options, SERVER, [])
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  const names = Array.from({ length: 64 }, (_, i) => `${i}.bin`)
  const data = seededBytes(64, 10_000)
  const signal = AbortSignal.timeout(60_000)
  await Promise.all(
    names.map((name) => sendStubbornly({ url, name, data, chunkSize: 10_000, signal })),
  )
  await saved(cwd, ...names)
  for (const name of names) expect(await sha256(join(cwd, 'dest', name))).toBe(sha256Of(data))
  expect((await server.stop()).stderr).not.toMatch(/ error /)
  expect(await readFile(join(cwd, 'trace'), 'utf8')).toContain('EIO')
})

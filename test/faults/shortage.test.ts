/**
 * Too little of everything: a disk that is full most of the time, and fewer descriptors than senders.
 * Clients that do not give up get everything through, and nothing is left over.
 *
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { SERVER, saved, startServer } from '../cli/commands.ts'
import { run, start } from '../run.ts'
import { sha256, sha256Of, TUS, temporaryDirectory } from '../serve.ts'
import { sendStubbornly } from './client.ts'
import { seededBytes } from './seeded.ts'

async function sendMany(url: string, cwd: string, count: number, size: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `${i}.bin`)
  const dataOf = (name: string): Buffer => seededBytes(Number.parseInt(name, 10) + 1, size)
  await Promise.all(
    names.map((name) => {
      const signal = AbortSignal.timeout(100_000)
      return sendStubbornly({ url, name, data: dataOf(name), chunkSize: 400_000, signal })
    }),
  )
  await saved(cwd, ...names)
  for (const name of names) {
    expect(await sha256(join(cwd, 'dest', name)), name).toBe(sha256Of(dataOf(name)))
  }
}

it('ten uploads go through a disk that has room for three', async () => {
  const cwd = await temporaryDirectory()
  const small = await temporaryDirectory()
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small])
  expect(mounted, 'a small file system is needed').toMatchObject({ code: 0 })
  onTestFinished(async () => void (await run('umount', ['--lazy', small])))
  const uploads = join(small, 'uploads')
  const server = await startServer(cwd, ['--upload-dir', uploads, '--dest-dir', 'dest'])
  const { status } = await fetch(server.url, {
    method: 'POST',
    headers: { ...TUS, 'Upload-Length': '7000000' },
  })
  expect(status).toBe(507)
  await sendMany(server.url, cwd, 10, 1_700_000)
  await expect.poll(() => readdir(join(uploads, '.completed'))).toEqual(['.tussi'])
  expect((await readdir(uploads)).sort()).toEqual(['.completed', '.tussi'])
  expect(await server.stop()).toMatchObject({ code: 0 })
})

it('a hundred uploads go through a server with few descriptors', async () => {
  const cwd = await temporaryDirectory()
  const limited = ['--nofile=64', process.execPath, SERVER, '--port', '0']
  const server = start('prlimit', limited, { cwd })
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  const descriptors = async (): Promise<number> =>
    (await readdir(`/proc/${server.child.pid}/fd`)).length
  await sendMany(url, cwd, 100, 100_000)
  // Its libraries, two I/O threads with the two directories, the watch on the queue: no more.
  await expect.poll(descriptors, { timeout: 15_000 }).toBeLessThan(40)
  const { code, stderr } = await server.stop()
  expect(code).toBe(0)
  expect(stderr).not.toMatch(/^\s+at /m)
})

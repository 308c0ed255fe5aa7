/** What a server process that died has left is dealt with when `tussi-server` starts. @module */
import { createHash } from 'node:crypto'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FilesystemStorage } from 'tussi'
import { expect, it } from 'vitest'
import { idOf, sha256, sha256Of, temporaryDirectory } from '../serve.ts'
import { saved, startServer } from './commands.ts'

const HOUR = 3_600_000

it('sweeps what nobody needs', async () => {
  const cwd = await temporaryDirectory()
  const completed = join(cwd, 'uploads', '.completed')
  await mkdir(completed, { recursive: true })
  // The record of an upload that was acknowledged.
  const left = join(completed, `${crypto.randomUUID()}.meta`)
  const before = new Date(Date.now() - HOUR)
  await writeFile(left, '{}')
  await utimes(left, before, before)
  await startServer(cwd)
  await expect.poll(() => readdir(completed), { timeout: 10_000 }).toEqual(['.tussi'])
})

it('judges an upload whose digest its client has told, and saves it', async () => {
  const cwd = await temporaryDirectory()
  const first = await startServer(cwd)
  const digest = createHash('sha256').update('hello').digest('base64')
  const response = await fetch(first.url, {
    method: 'POST',
    headers: {
      'Upload-Complete': '?0',
      'Content-Disposition': 'attachment; filename="a.txt"',
      'Repr-Digest': `sha-256=:${digest}:`,
    },
    body: 'hello',
  })
  const id = idOf(response.headers.get('location') ?? '')
  await first.stop()
  // As a process leaves it that dies between the last sync and the verdict.
  const storage = new FilesystemStorage({ directory: join(cwd, 'uploads') })
  const content = { read: async () => ({ pieces: [], byteLength: 0, last: true }) }
  const completedDir = join(cwd, 'uploads', '.completed')
  await storage.append(id, { offset: 5, content, completedDir, complete: true })
  await storage.close()
  await startServer(cwd)
  await saved(cwd, 'a.txt')
  expect(await sha256(join(cwd, 'dest', 'a.txt'))).toBe(sha256Of(Buffer.from('hello')))
})

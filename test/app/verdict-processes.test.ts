/** The verdict on an upload when processes die in it, or meet at it. @module */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Running, start } from '../run.ts'
import { createUpload, idOf, offsetOf, patch, serve, TUS, temporaryDirectory } from '../serve.ts'

const SCRIPT = new URL('verdict-process.mjs', import.meta.url).pathname
const HELLO = Buffer.from('hello')

interface Judge extends Running {
  readonly url: string
}

async function startJudge(root: string): Promise<Judge> {
  const running = start(process.execPath, [SCRIPT, root])
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  return { ...running, url }
}

it('is asked for again after a crash in the middle, and reached once', async () => {
  const root = await temporaryDirectory()
  const doomed = await startJudge(root)
  const location = await createUpload(doomed.url, 5)
  const cut = patch(location, 0, HELLO).catch(() => undefined)
  await doomed.until(/^asked/m)
  await doomed.stop('SIGKILL')
  await cut
  const judge = await startJudge(root)
  await writeFile(join(root, 'go'), '')
  const again = `${judge.url}${idOf(location)}`
  expect(await offsetOf(again)).toBe(5)
  const response = await patch(again, 0, HELLO)
  expect(await response.json()).toBe(judge.child.pid)
  expect(judge.stdout().match(/^asked/gm)).toHaveLength(1)
})

it('is asked for by one of two processes, and told by both', async () => {
  const root = await temporaryDirectory()
  const a = await startJudge(root)
  const b = await startJudge(root)
  const location = await createUpload(a.url, 5)
  const there = `${b.url}${idOf(location)}`
  const first = patch(location, 0, HELLO)
  await a.until(/^asked/m)
  // It waits for the holder; that takes longer than a newcomer is patient.
  const looking = fetch(there, { method: 'HEAD', headers: TUS })
  expect((await looking).status).toBe(423)
  await writeFile(join(root, 'go'), '')
  expect(await (await first).json()).toBe(a.child.pid)
  expect(await (await patch(there, 0, HELLO)).json()).toBe(a.child.pid)
  expect(b.stdout()).not.toContain('asked')
})

it('is not refused by a stop that had to give up', { timeout: 20_000 }, async () => {
  const root = await temporaryDirectory()
  const judge = await startJudge(root)
  const { tus } = await serve(root)
  const location = await createUpload(judge.url, 5)
  const sending = patch(location, 0, HELLO)
  await judge.until(/^asked/m)
  await expect(tus.stop(idOf(location), 'no')).rejects.toMatchObject({ code: 'ERR_UPLOAD_LOCKED' })
  await writeFile(join(root, 'go'), '')
  expect(await (await sending).json()).toBe(judge.child.pid)
})

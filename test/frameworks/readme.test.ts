/** What a newcomer copies from the README does what it says, in an empty folder. @module */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { start } from '../run.ts'
import { createUpload, idOf, patch, sha256, sha256Of } from '../serve.ts'

const ROOT = new URL('../..', import.meta.url).pathname

it('the lines of the README receive an upload and save it', async () => {
  // Inside the package, where its own name leads to what was built.
  await mkdir(join(ROOT, '.cache'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.cache', 'readme-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const [, code = ''] = /^```ts\n([\s\S]*?)^```/m.exec(readme) ?? []
  expect(code.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(10)
  const listening = 'listen(0, function () { console.log("port", this.address().port) })'
  expect(code).toContain('listen(8080)')
  await writeFile(join(folder, 'app.mjs'), code.replace('listen(8080)', listening))
  const app = start(process.execPath, ['app.mjs'], { cwd: folder })
  const [, port = ''] = await app.until(/port (\d+)/)
  const data = randomBytes(100_000)
  const location = await createUpload(`http://127.0.0.1:${port}/files/`, data.length)
  expect((await patch(location, 0, data)).status).toBe(204)
  const saved = join(folder, 'dest', idOf(location))
  const sum = (): Promise<string> => sha256(saved).catch(() => 'not there')
  await expect.poll(sum, { timeout: 10_000 }).toBe(sha256Of(data))
  expect(app.stderr()).toBe('')
})

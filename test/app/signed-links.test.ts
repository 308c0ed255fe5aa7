/** The recipe of docs/security.md does what it says: it is run as it stands there. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FilesystemStorage, TusApp } from 'tussi'
import { expect, it, onTestFinished, vi } from 'vitest'
import { TUS, temporaryDirectory } from '../serve.ts'

const ROOT = new URL('../..', import.meta.url).pathname

interface Recipe {
  readonly storage: FilesystemStorage
  readonly tus: TusApp
  endpointFor(user: string): string
}

/** The recipe as a module; its directories are those of the test. */
async function load(): Promise<Recipe> {
  const page = await readFile(join(ROOT, 'docs', 'security.md'), 'utf8')
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
  const found = blocks.filter((code) => code.includes('endpointFor'))
  expect(found).toHaveLength(1)
  const root = await temporaryDirectory()
  const code = (found[0] ?? '').replaceAll(/'\.\/(uploads|completed)'/g, `'${root}/$1'`)
  const directory = join(ROOT, '.cache', 'recipe')
  await mkdir(directory, { recursive: true })
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  vi.stubEnv('UPLOAD_SECRET', 'hush')
  onTestFinished(() => void vi.unstubAllEnvs())
  await writeFile(join(directory, 'recipe.ts'), code)
  return import(join(directory, 'recipe.ts'))
}

it('lets in who has a link, for its time and to their own uploads', async () => {
  const { storage, tus, endpointFor } = await load()
  onTestFinished(async () => {
    await tus.close()
    await storage.close()
  })
  const send = (path: string, method: string, fields: Record<string, string> = {}) =>
    tus.fetch(new Request(`http://h${path}`, { method, headers: { ...TUS, ...fields } }))
  const create = (path: string) => send(path, 'POST', { 'Upload-Length': '5' })
  const link = endpointFor('a/b')
  const created = await create(link)
  expect(created.status).toBe(201)
  const path = new URL(created.headers.get('location') ?? '').pathname
  expect(path.startsWith(link)).toBe(true)
  const id = path.slice(link.length)
  expect((await send(path, 'HEAD')).status).toBe(200)
  expect((await send(`${endpointFor('a/b')}${id}`, 'HEAD')).status).toBe(200)
  expect((await send(`${endpointFor('other')}${id}`, 'HEAD')).status).toBe(403)
  expect((await send(`/files/${id}`, 'HEAD')).status).toBe(403)
  expect((await create(link.replace('a%2Fb', 'other'))).status).toBe(403)
  expect((await create(link.replace(/\/\d/, '/9'))).status).toBe(403)
  expect((await create('/files/')).status).toBe(403)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_001 })
  onTestFinished(() => void vi.useRealTimers())
  expect((await send(path, 'HEAD')).status).toBe(403)
})

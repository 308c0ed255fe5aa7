/** Uploads that expire, and the janitor. @module */
import { readdir } from 'node:fs/promises'
import { Janitor } from 'tussi'
import { expect, it } from 'vitest'
import { createUpload, patch, type Served, serve, TUS, temporaryDirectory } from '../serve.ts'

const SILENT = { info() {}, warn() {}, error() {} }
const HELLO = Buffer.from('hello')

function head(location: string): Promise<Response> {
  return fetch(location, { method: 'HEAD', headers: TUS })
}

async function expiresOf(location: string): Promise<number> {
  return Date.parse((await head(location)).headers.get('upload-expires') ?? '')
}

function janitorOf({ storage, completedDir }: Served): Janitor {
  return new Janitor({ storage, completedDir, staleUploadAgeMs: 0, logger: SILENT })
}

it('slides on with each byte, and is removed at its end only, by the janitor', async () => {
  const served = await serve(await temporaryDirectory(), { expiration: { afterMs: 3000 } })
  const location = await createUpload(served.url, 10)
  const first = await expiresOf(location)
  // The field counts whole seconds.
  await expect.poll(() => Date.now(), { timeout: 3000 }).toBeGreaterThan(first - 1500)
  expect((await patch(location, 0, HELLO)).status).toBe(204)
  expect(await expiresOf(location)).toBeGreaterThan(first)
  expect(await janitorOf(served).run()).toMatchObject({ stale: 0 })
  await expect.poll(async () => (await head(location)).status, { timeout: 5000 }).toBe(410)
  expect((await patch(location, 5, HELLO)).status).toBe(410)
  expect(await janitorOf(served).run()).toMatchObject({ stale: 1 })
  expect(await readdir(served.directory)).toEqual(['.tussi'])
  expect((await head(location)).status).toBe(410)
})

it('ends at a fixed time where it does not slide, but not under a request', async () => {
  const served = await serve(await temporaryDirectory(), {
    expiration: { afterMs: 1500, sliding: false },
  })
  const location = await createUpload(served.url, 1_000_000)
  const first = await expiresOf(location)
  expect((await patch(location, 0, HELLO)).status).toBe(204)
  expect(await expiresOf(location)).toBe(first)
  await expect.poll(() => Date.now(), { timeout: 5000 }).toBeGreaterThan(first + 1500)
  expect((await patch(location, 5, HELLO)).status).toBe(410)
})

it('is told by the record: another setting later changes nothing for it', async () => {
  const root = await temporaryDirectory()
  const first = await serve(root, { expiration: { afterMs: 3_600_000 } })
  const path = new URL(await createUpload(first.url, 10)).pathname
  await first.close()
  const second = await serve(root, { expiration: { afterMs: 60_000 } })
  const location = new URL(path, second.url).href
  expect((await expiresOf(location)) - Date.now()).toBeGreaterThan(3_500_000)
  expect(await janitorOf(second).run()).toMatchObject({ stale: 0 })
})

it('never ends what is complete', async () => {
  const served = await serve(await temporaryDirectory(), {
    expiration: { afterMs: 500 },
    logger: SILENT,
    onComplete: () => {
      throw new Error('not yet')
    },
  })
  const location = await createUpload(served.url, 5)
  const expires = Date.now() + 500
  expect((await patch(location, 0, HELLO)).status).toBe(500)
  await expect.poll(() => Date.now(), { timeout: 5000 }).toBeGreaterThan(expires + 500)
  expect(await janitorOf(served).run()).toMatchObject({ stale: 0, waiting: 1 })
  expect((await head(location)).status).toBe(423)
})

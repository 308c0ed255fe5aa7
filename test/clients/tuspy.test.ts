/** tuspy, the client for Python. @module */
import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { required, run } from '../run.ts'
import { offsetOf, sha256Of } from '../serve.ts'
import { receive, serveWatched, storyOf, type Watched } from './watched.ts'

const SCRIPT = new URL('send.py', import.meta.url).pathname
const DATA = randomBytes(3_500_000)

/** Sends `DATA`. */
async function tuspy({ url, root }: Watched, options: object): Promise<string> {
  const source = join(root, 'source')
  await writeFile(source, DATA)
  const python = required('TUSSI_PYTHON', 'a Python with tuspy')
  const args = [SCRIPT, url, source, JSON.stringify(options)]
  const { code, stdout, stderr } = await run(python, args)
  if (code !== 0) throw new Error(`tuspy: ${stderr}`)
  return stdout.trim()
}

describe('tuspy', () => {
  it.each([1_000_000, 10_000_000])('sends a file in chunks of %d', async (chunk) => {
    const served = await serveWatched()
    const metadata = { filename: 'from tuspy', note: 'Ünïcode 日本語' }
    await tuspy(served, { chunk_size: chunk, metadata })
    expect(await receive(served, served.root)).toEqual({ sum: sha256Of(DATA), metadata })
    const types = ['upload-created', 'upload-completed']
    expect(storyOf(served.events)).toEqual({ types, bytes: DATA.length })
  })

  it('sends the checksum of each chunk', async () => {
    const served = await serveWatched()
    await tuspy(served, { chunk_size: 2_000_000, upload_checksum: true })
    const sent = served.requests.map(({ headers }) => headers['upload-checksum'])
    const chunks = [DATA.subarray(0, 2_000_000), DATA.subarray(2_000_000)]
    const sums = chunks.map((chunk) => createHash('sha1').update(chunk).digest('base64'))
    expect(sent.filter((field) => field !== undefined)).toEqual(sums.map((sum) => `sha1 ${sum}`))
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
  })

  it('resumes at the URL of an earlier run', async () => {
    const served = await serveWatched()
    const location = await tuspy(served, { chunk_size: 1_000_000, stopAt: 2_000_000 })
    expect(await offsetOf(location)).toBe(2_000_000)
    expect(await tuspy(served, { chunk_size: 1_000_000, url: location })).toBe(location)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
  })

  it('finds that URL by itself where it keeps them', async () => {
    const served = await serveWatched()
    const options = { chunk_size: 1_000_000, storage: join(served.root, 'urls.json') }
    const location = await tuspy(served, { ...options, stopAt: 2_000_000 })
    expect(await tuspy(served, options)).toBe(location)
    const appends = served.requests.filter(({ method }) => method === 'PATCH')
    const offsets = appends.map(({ headers }) => headers['upload-offset'])
    expect(offsets).toEqual(['0', '1000000', '2000000', '3000000'])
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
  })
})

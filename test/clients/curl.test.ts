/** curl, by hand. @module */
import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run, start } from '../run.ts'
import { createUpload, offsetOf, serve, sha256Of, temporaryDirectory } from '../serve.ts'
import { receive, serveWatched, storyOf } from './watched.ts'

const TUS_FIELDS = ['Tus-Resumable: 1.0.0', 'Content-Type: application/offset+octet-stream']
const BYTES = TUS_FIELDS.flatMap((field) => ['-H', field])
const PATCH = ['-sS', '-i', '-X', 'PATCH', ...BYTES]
const CREATE = ['-sS', '-i', '-X', 'POST', ...BYTES]

async function curl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('curl', args)
  if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`)
  return stdout
}

describe('curl', () => {
  it('creates, appends and asks', async () => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    const data = randomBytes(2_000_000)
    const source = join(root, 'source')
    await writeFile(source, data)
    const fields = ['-H', 'Tus-Resumable: 1.0.0', '-H', `Upload-Length: ${data.length}`]
    const created = await curl('-sS', '-i', '-X', 'POST', ...fields, url)
    const location = /^Location: (.*)\r$/m.exec(created)?.[1] ?? ''
    const sent = await curl(
      ...PATCH,
      '-H',
      'Upload-Offset: 0',
      '--data-binary',
      `@${source}`,
      location,
    )
    expect(sent).toMatch(/HTTP\/1.1 204 /)
    expect(await curl('-sS', '-I', '-H', 'Tus-Resumable: 1.0.0', location)).toMatch(
      /^Upload-Offset: 2000000\r$/m,
    )
    expect((await receive({ tus }, root)).sum).toBe(sha256Of(data))
  })

  it('streams what it reads, in chunks', async () => {
    const root = await temporaryDirectory()
    const { url } = await serve(root)
    const location = await createUpload(url, 10)
    const sending = start('curl', [...PATCH, '-H', 'Upload-Offset: 0', '-T', '-', location])
    sending.child.stdin.write('hello')
    sending.child.stdin.end('world')
    expect((await sending.ended).stdout).toMatch(/HTTP\/1.1 204 [\s\S]*Upload-Offset: 10/)
  })

  it('creates and sends in one request', async () => {
    const served = await serveWatched()
    const data = randomBytes(2_000_000)
    const source = join(served.root, 'source')
    await writeFile(source, data)
    const args = [...CREATE, '-H', `Upload-Length: ${data.length}`, '--data-binary', `@${source}`]
    const answer = await curl(...args, served.url)
    expect(answer).toMatch(/HTTP\/1.1 201 [\s\S]*^Upload-Offset: 2000000\r$/m)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(data))
    expect(storyOf(served.events).types).toEqual(['upload-created', 'upload-completed'])
  })

  it('creates without knowing the length, streams, and tells it in the end', async () => {
    const served = await serveWatched()
    const args = ['-H', 'Upload-Defer-Length: 1', '-T', '-', served.url]
    const sending = start('curl', [...CREATE, ...args])
    sending.child.stdin.end('hello')
    const created = (await sending.ended).stdout
    expect(created).toMatch(/HTTP\/1.1 201 [\s\S]*^Upload-Offset: 5\r$/m)
    const location = /^Location: (.*)\r$/m.exec(created)?.[1] ?? ''
    const fields = ['-H', 'Upload-Offset: 5', '-H', 'Upload-Length: 5']
    expect(await curl(...PATCH, ...fields, location)).toMatch(/HTTP\/1.1 204 /)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(Buffer.from('hello')))
  })

  it('has its bytes checked, and kept only when they are right', async () => {
    const served = await serveWatched()
    const location = await createUpload(served.url, 10)
    const sum = createHash('sha256').update('helloworld').digest('base64')
    const fields = ['-H', 'Upload-Offset: 0', '-H', `Upload-Checksum: sha256 ${sum}`]
    const wrong = await curl(...PATCH, ...fields, '--data-binary', 'hello,word', location)
    expect(wrong).toMatch(/HTTP\/1.1 460 [\s\S]*ERR_MISMATCHED_CHECKSUM/)
    expect(await offsetOf(location)).toBe(0)
    const right = await curl(...PATCH, ...fields, '--data-binary', 'helloworld', location)
    expect(right).toMatch(/HTTP\/1.1 204 /)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(Buffer.from('helloworld')))
  })

  it('terminates', async () => {
    const served = await serveWatched()
    const location = await createUpload(served.url, 10)
    const args = ['-sS', '-i', '-X', 'DELETE', '-H', 'Tus-Resumable: 1.0.0', location]
    expect(await curl(...args)).toMatch(/HTTP\/1.1 204 /)
    expect(await curl(...args)).toMatch(/HTTP\/1.1 410 /)
  })

  it('is refused before it has sent its body when it asks first', async () => {
    const root = await temporaryDirectory()
    const { url } = await serve(root)
    const location = await createUpload(url, 50_000_000)
    const source = join(root, 'source')
    await writeFile(source, randomBytes(5_000_000))
    const args = ['-H', 'Expect: 100-continue', '-H', 'Upload-Offset: 7', '-T', source, location]
    const answer = await curl(...PATCH, '-w', '\nsent %{size_upload}', ...args)
    expect(answer).not.toMatch(/100 Continue/)
    expect(answer).toMatch(/HTTP\/1.1 409 [\s\S]*Upload-Offset: 0[\s\S]*sent 0$/)
    expect(await offsetOf(location)).toBe(0)
  })

  it('reads a refusal although it has not sent everything', async () => {
    const root = await temporaryDirectory()
    const { url } = await serve(root, { maxChunkSize: 1_000_000 })
    const location = await createUpload(url, 50_000_000)
    const source = join(root, 'source')
    await writeFile(source, randomBytes(30_000_000))
    const fields = ['-H', 'Expect:', '-H', 'Upload-Offset: 0', '-H', 'Transfer-Encoding: chunked']
    for (let i = 0; i < 10; i++) {
      const answer = await curl(...PATCH, ...fields, '-T', source, location)
      expect(answer).toMatch(/HTTP\/1.1 413 [\s\S]*ERR_CHUNK_SIZE_EXCEEDED/)
    }
  })
})

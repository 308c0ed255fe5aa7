/** curl, by hand. @module */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run, start } from '../run.ts'
import { createUpload, offsetOf, serve, sha256, sha256Of, temporaryDirectory } from '../serve.ts'

const PATCH = [
  '-sS',
  '-i',
  '-X',
  'PATCH',
  '-H',
  'Tus-Resumable: 1.0.0',
  '-H',
  'Content-Type: application/offset+octet-stream',
]

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
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(await sha256(await upload.save(join(root, 'saved')))).toBe(sha256Of(data))
    await upload.acknowledge()
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

/** Digests of whole uploads as clients of the IETF protocol tell and ask them (RFC 9530). @module */
import { createHash } from 'node:crypto'
import { FilesystemStorage, Janitor, TusApp } from 'tussi'
import { describe, expect, it } from 'vitest'
import { idOf, patch, serve, temporaryDirectory } from '../serve.ts'

const SILENT = { info() {}, warn() {}, error() {} }

function sha256(text: string): string {
  return `sha-256=:${createHash('sha256').update(text).digest('base64')}:`
}

async function begin(url: string, body: string, fields: Record<string, string>): Promise<string> {
  const headers = { 'Upload-Complete': '?0', 'Upload-Draft-Interop-Version': '8', ...fields }
  const response = await fetch(url, { method: 'POST', headers, body })
  expect(response.status).toBe(201)
  expect(response.headers.get('repr-digest')).toBeNull()
  return response.headers.get('location') ?? ''
}

function end(location: string, offset: number, body: string): Promise<Response> {
  const headers = {
    'Content-Type': 'application/partial-upload',
    'Upload-Complete': '?1',
    'Upload-Offset': `${offset}`,
  }
  return fetch(location, { method: 'PATCH', headers, body })
}

describe('the digest of an upload', () => {
  it('is told again to whoever repeats the last request, and readable by a page', async () => {
    const { url } = await serve(await temporaryDirectory())
    const location = await begin(url, 'hello', { 'Want-Repr-Digest': 'sha-256=1' })
    for (let i = 0; i < 2; i++) {
      const answer = await end(location, 5, 'world')
      expect(answer.headers.get('repr-digest')).toBe(sha256('helloworld'))
      expect(answer.headers.get('access-control-expose-headers')).toMatch(/, Repr-Digest$/)
    }
  })

  it('stands beside what onComplete answers, which is asked after the digest was found right', async () => {
    const asked: unknown[] = []
    const { url } = await serve(await temporaryDirectory(), {
      onComplete: ({ sha256 }) => {
        asked.push(sha256)
        return { status: 202, headers: { 'X-File': '1' }, body: { id: 1 } }
      },
    })
    const location = await begin(url, '', { 'Want-Repr-Digest': 'sha-256=1' })
    const answer = await end(location, 0, 'hello')
    expect(answer.status).toBe(202)
    expect(await answer.json()).toEqual({ id: 1 })
    expect(answer.headers.get('x-file')).toBe('1')
    expect(answer.headers.get('repr-digest')).toBe(sha256('hello'))
    expect(asked).toEqual([createHash('sha256').update('hello').digest('hex')])
    const wrong = await begin(url, 'he', { 'Repr-Digest': sha256('HELLO') })
    expect((await end(wrong, 2, 'llo')).status).toBe(400)
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['right', 'helloworld', 201],
    ['wrong', 'hellowOrld', 400],
  ])('that is %s is found so by another process, after a restart', async (_, told, status) => {
    const root = await temporaryDirectory()
    const before = await serve(root)
    const fields = { 'Repr-Digest': sha256(told), 'Want-Repr-Digest': 'sha-256=1' }
    const location = await begin(before.url, 'hello', fields)
    await before.close()
    const after = await serve(root)
    const answer = await end(`${after.url}${idOf(location)}`, 5, 'world')
    expect(answer.status).toBe(status)
    const found = answer.headers.get('repr-digest')
    expect(found).toBe(status === 201 ? sha256('helloworld') : null)
  })

  it('holds for an upload that a tus client finishes', async () => {
    const served = await serve(await temporaryDirectory())
    const fields = { 'Upload-Length': '10', 'Repr-Digest': sha256('helloworld') }
    const right = await begin(served.url, 'hello', fields)
    expect((await patch(right, 5, Buffer.from('world'))).status).toBe(204)
    const wrong = await begin(served.url, 'hello', fields)
    expect((await patch(wrong, 5, Buffer.from('wOrld'))).status).toBe(400)
    const upload = await served.tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(idOf(right))
    await upload.acknowledge()
  })

  it('is looked at by a janitor when the process has died before it', async () => {
    const root = await temporaryDirectory()
    const { url, tus, close } = await serve(root)
    const location = await begin(url, 'hello', { 'Repr-Digest': sha256('hello') })
    const id = idOf(location)
    const completedDir = `${root}/completed`
    const storage = new FilesystemStorage({ directory: `${root}/uploads` })
    const content = { read: async () => ({ pieces: [], byteLength: 0, last: true }) }
    // As the process would have left it that dies between its last sync and the verdict.
    await storage.append(id, { offset: 5, content, completedDir, complete: true })
    const policy = { storage, completedDir, logger: SILENT }
    expect(await new Janitor(policy).run()).toMatchObject({ waiting: 1, finalized: 0 })
    const complete = (id: string): Promise<boolean> => tus.complete(id)
    expect(await new Janitor({ ...policy, complete }).run()).toMatchObject({ finalized: 1 })
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.metadata).toEqual({ filetype: 'text/plain;charset=UTF-8' })
    await upload.acknowledge()
    await storage.close()
    await close()
  })

  it('costs nothing where nobody asks', async () => {
    const root = await temporaryDirectory()
    const storage = new FilesystemStorage({ directory: `${root}/uploads` })
    const reads: string[] = []
    const read = storage.read.bind(storage)
    storage.read = (id, ...range) => {
      reads.push(id)
      return read(id, ...range)
    }
    const tus = new TusApp({ storage, completedDir: `${root}/completed`, logger: SILENT })
    const request = (method: string, path: string, fields: Record<string, string>, body: string) =>
      tus.fetch(new Request(`http://h${path}`, { method, headers: fields, body }))
    const made = await request('POST', '/files/', { 'Upload-Complete': '?1' }, 'hello')
    expect(made.status).toBe(201)
    expect(reads).toEqual([])
    await tus.close()
    await storage.close()
  })
})

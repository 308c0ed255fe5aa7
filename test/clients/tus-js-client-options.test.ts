/** The options of tus-js-client that want an extension, each from the first request to the queue. @module */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Upload } from 'tus-js-client'
import { describe, expect, it, vi } from 'vitest'
import { sha256Of, TUS } from '../serve.ts'
import { receive, type Seen, send, serveWatched, storyOf } from './watched.ts'

const DATA = randomBytes(5_000_000)
/** The client asks a stream for as many bytes as a chunk has. */
const BYTES = { objectMode: false }
const WHOLE = { types: ['upload-created', 'upload-completed'], bytes: DATA.length }

function methods(requests: readonly Seen[]): string[] {
  return requests.map(({ method }) => method)
}

/** The values of a field, request by request. */
function valuesOf(requests: readonly Seen[], name: string): unknown[] {
  return requests.map(({ headers }) => headers[name])
}

describe('by default', () => {
  it('all bytes come in one PATCH, however many', async () => {
    const served = await serveWatched()
    const path = join(served.root, 'source')
    await writeFile(path, DATA)
    await send(served, createReadStream(path), { metadata: { filename: 'source' } })
    expect(methods(served.requests)).toEqual(['POST', 'PATCH'])
    expect(valuesOf(served.requests, 'content-length')).toEqual(['0', `${DATA.length}`])
    expect(await receive(served, served.root)).toEqual({
      sum: sha256Of(DATA),
      metadata: { filename: 'source' },
    })
    expect(storyOf(served.events)).toEqual(WHOLE)
  })
})

describe('uploadLengthDeferred', () => {
  it('sends a stream and tells its length with the last chunk', async () => {
    const served = await serveWatched()
    const options = { uploadLengthDeferred: true, chunkSize: 2_000_000 }
    await send(served, Readable.from(pieces(DATA, 70_000), BYTES), options)
    expect(methods(served.requests)).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH'])
    expect(valuesOf(served.requests, 'upload-defer-length')[0]).toBe('1')
    const told = [undefined, undefined, undefined, `${DATA.length}`]
    expect(valuesOf(served.requests, 'upload-length')).toEqual(told)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(served.events[0]).toMatchObject({ type: 'upload-created', length: null })
    expect(served.events.at(-1)).toMatchObject({ uploadInfo: { length: DATA.length } })
    expect(storyOf(served.events)).toEqual(WHOLE)
  })

  it('tells the length of a file with its only request', async () => {
    const served = await serveWatched()
    await send(served, DATA, { uploadLengthDeferred: true })
    expect(valuesOf(served.requests, 'upload-length')).toEqual([undefined, `${DATA.length}`])
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(storyOf(served.events)).toEqual(WHOLE)
  })
})

describe('uploadDataDuringCreation', () => {
  it('needs a single request', async () => {
    const served = await serveWatched()
    const options = { uploadDataDuringCreation: true, metadata: { filename: 'at once' } }
    const url = await send(served, DATA, options)
    expect(methods(served.requests)).toEqual(['POST'])
    expect(url).toMatch(served.url)
    expect(await receive(served, served.root)).toEqual({
      sum: sha256Of(DATA),
      metadata: { filename: 'at once' },
    })
    expect(storyOf(served.events)).toEqual(WHOLE)
  })

  it('goes on by PATCH after the first chunk', async () => {
    const served = await serveWatched()
    await send(served, DATA, { uploadDataDuringCreation: true, chunkSize: 2_000_000 })
    expect(methods(served.requests)).toEqual(['POST', 'PATCH', 'PATCH'])
    const offsets = valuesOf(served.requests, 'upload-offset')
    expect(offsets).toEqual([undefined, '2000000', '4000000'])
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(storyOf(served.events)).toEqual(WHOLE)
  })

  it('is left away by the client with uploadLengthDeferred, which still reads the offset', async () => {
    const served = await serveWatched()
    await send(served, Readable.from(pieces(DATA, 70_000), BYTES), {
      uploadDataDuringCreation: true,
      uploadLengthDeferred: true,
      chunkSize: 2_000_000,
    })
    expect(methods(served.requests)).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH'])
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(storyOf(served.events)).toEqual(WHOLE)
  })
})

describe('overridePatchMethod', () => {
  it('sends POST only, chunk by chunk', async () => {
    const served = await serveWatched()
    await send(served, DATA, { overridePatchMethod: true, chunkSize: 2_000_000 })
    expect(methods(served.requests)).toEqual(['POST', 'POST', 'POST', 'POST'])
    const overrides = valuesOf(served.requests, 'x-http-method-override')
    expect(overrides).toEqual([undefined, 'PATCH', 'PATCH', 'PATCH'])
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(storyOf(served.events)).toEqual(WHOLE)
  })
})

describe('terminate', () => {
  it('abort(true) in the middle leaves nothing', async () => {
    const served = await serveWatched()
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(DATA, {
        endpoint: served.url,
        chunkSize: 1_000_000,
        onError: reject,
        onSuccess: () => reject(new Error('it was to be aborted')),
        onChunkComplete: (_size, accepted) => {
          if (accepted < 2_000_000) return
          upload.abort(true).then(() => resolve(upload.url ?? ''), reject)
        },
      })
      upload.start()
    })
    expect(methods(served.requests)).toContain('DELETE')
    expect((await fetch(url, { method: 'HEAD', headers: TUS })).status).toBe(410)
    await vi.waitUntil(() => served.events.at(-1)?.type === 'upload-terminated')
    const { types } = storyOf(served.events)
    expect(types).toEqual(['upload-created', 'upload-terminated'])
    const left = await readdir(served.directory)
    expect(left.filter((name) => !name.startsWith('.'))).toEqual([])
  })

  it('Upload.terminate removes what another run has left', async () => {
    const served = await serveWatched()
    const url = await send(served, DATA)
    await Upload.terminate(url)
    expect((await fetch(url, { method: 'HEAD', headers: TUS })).status).toBe(410)
    await vi.waitUntil(() => served.events.at(-1)?.type === 'upload-terminated')
    const left = await readdir(served.completedDir)
    expect(left.filter((name) => !name.startsWith('.'))).toEqual([])
  })
})

function* pieces(data: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < data.length; at += length) yield data.subarray(at, at + length)
}

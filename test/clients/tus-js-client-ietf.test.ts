/** tus-js-client as it speaks the drafts of the IETF protocol: interop 5 and 6. @module */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Upload, type UploadOptions } from 'tus-js-client'
import { describe, expect, it } from 'vitest'
import { type Served, serve, sha256, sha256Of, temporaryDirectory } from '../serve.ts'

const PROTOCOLS = [
  ['ietf-draft-03', '5'],
  ['ietf-draft-05', '6'],
] as const

/** The library's types do not have the option. */
interface Options extends Partial<UploadOptions> {
  readonly protocol: (typeof PROTOCOLS)[number][0]
}

function send(url: string, data: Buffer, options: Options): Promise<string> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(data, {
      endpoint: url,
      retryDelays: [0, 50, 100, 200],
      onSuccess: () => resolve(upload.url ?? ''),
      onError: reject,
      ...options,
    })
    upload.start()
  })
}

async function receive({ tus }: Served, root: string): Promise<{ sum: string; metadata: unknown }> {
  const upload = await tus.waitForFile({ timeoutMs: 5000 })
  const sum = await sha256(await upload.save(join(root, 'saved')))
  await upload.acknowledge()
  return { sum, metadata: upload.record.metadata }
}

/** The versions and methods that a server saw. */
function watch({ server }: Served): {
  readonly versions: Set<unknown>
  readonly methods: string[]
} {
  const seen = { versions: new Set<unknown>(), methods: [] as string[] }
  server.on('request', ({ method = '', headers }) => {
    seen.versions.add(headers['upload-draft-interop-version'])
    seen.methods.push(method)
  })
  return seen
}

describe.each(PROTOCOLS)('tus-js-client with %s', (protocol, interop) => {
  it('sends a file in chunks', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const seen = watch(served)
    const data = randomBytes(3_000_000)
    await send(served.url, data, { protocol, chunkSize: 1_000_000, metadata: { filename: 'a' } })
    expect(await receive(served, root)).toEqual({
      sum: sha256Of(data),
      metadata: { filename: 'a' },
    })
    expect(seen.versions).toEqual(new Set([interop]))
    expect(seen.methods).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH'])
  })

  it('sends the first bytes with the creation', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const seen = watch(served)
    const data = randomBytes(1_500_000)
    const options = { protocol, chunkSize: 1_000_000, uploadDataDuringCreation: true }
    await send(served.url, data, options)
    expect(await receive(served, root)).toEqual({ sum: sha256Of(data), metadata: {} })
    expect(seen.methods).toEqual(['POST', 'PATCH'])
  })

  it('sends an empty file', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    await send(served.url, Buffer.alloc(0), { protocol })
    expect((await receive(served, root)).sum).toBe(sha256Of(Buffer.alloc(0)))
  })

  it('goes on by itself after its connection was cut', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(40_000_000)
    const offsets: number[] = []
    served.server.on('request', (req) => {
      if (req.method !== 'PATCH') return
      offsets.push(Number(req.headers['upload-offset']))
      if (offsets.length > 1) return
      const { socket } = req
      const end = socket.bytesRead + 15_000_000
      const watching = setInterval(() => {
        if (socket.bytesRead > end) socket.destroy()
      }, 1)
      socket.once('close', () => clearInterval(watching))
    })
    await send(served.url, data, { protocol })
    expect(offsets).toHaveLength(2)
    expect(offsets[1]).toBeGreaterThan(8_000_000)
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })

  it('resumes at the URL of an earlier run, also one that spoke tus', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(3_000_000)
    const uploadUrl = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(data, {
        endpoint: served.url,
        chunkSize: 1_000_000,
        onError: reject,
        onChunkComplete: () => {
          void upload.abort().then(() => resolve(upload.url ?? ''))
        },
      })
      upload.start()
    })
    const starts: number[] = []
    await send(served.url, data, { protocol, uploadUrl, onProgress: (at) => starts.push(at) })
    expect(starts[0]).toBeGreaterThanOrEqual(1_000_000)
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })
})

/** tus-js-client as it speaks the drafts of the IETF protocol: interop 5 and 6. @module */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Served, serve, sha256Of, temporaryDirectory } from '../serve.ts'
import { cutBodies, receive, send, sendFirstChunk } from './watched.ts'

const PROTOCOLS = [
  ['ietf-draft-03', '5'],
  ['ietf-draft-05', '6'],
] as const

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
    await send(served, data, { protocol, chunkSize: 1_000_000, metadata: { filename: 'a' } })
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
    await send(served, data, options)
    expect(await receive(served, root)).toEqual({ sum: sha256Of(data), metadata: {} })
    expect(seen.methods).toEqual(['POST', 'PATCH'])
  })

  it('sends an empty file', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    await send(served, Buffer.alloc(0), { protocol })
    expect((await receive(served, root)).sum).toBe(sha256Of(Buffer.alloc(0)))
  })

  it('goes on by itself after its connection was cut', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(40_000_000)
    const offsets = cutBodies(served, 1)
    await send(served, data, { protocol })
    expect(offsets).toHaveLength(2)
    expect(offsets[1]).toBeGreaterThan(8_000_000)
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })

  it('resumes at the URL of an earlier run, also one that spoke tus', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(3_000_000)
    const uploadUrl = await sendFirstChunk(served, data)
    const starts: number[] = []
    await send(served, data, { protocol, uploadUrl, onProgress: (at) => starts.push(at) })
    expect(starts[0]).toBeGreaterThanOrEqual(1_000_000)
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })
})

/** tus-js-client as applications use it in Node. @module */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { type DetailedError, Upload } from 'tus-js-client'
import { describe, expect, it } from 'vitest'
import { serve, sha256Of, temporaryDirectory } from '../serve.ts'
import { cutBodies, receive, send, sendFirstChunk } from './watched.ts'

describe('tus-js-client', () => {
  it('sends chunks of 8 MiB below the default limit', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, { maxChunkSize: 10_485_760 })
    const data = randomBytes(20_000_000)
    await send(served, data, { chunkSize: 8 * 2 ** 20 })
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })

  it('sends a file in parallel parts, also one that it has to take up again', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(9_000_000)
    const metadata = { filename: 'whole' }
    await send(served, data, { parallelUploads: 4, metadata })
    expect(await receive(served, root)).toEqual({ sum: sha256Of(data), metadata })
    await expect.poll(() => readdir(served.directory)).toEqual(['.tussi'])

    const half = new Upload(data, { endpoint: served.url, parallelUploads: 3, metadata })
    const begun = new Promise<void>((resolve) => {
      half.options.onProgress = (sent) => sent > 3_000_000 && resolve()
      half.start()
    })
    await begun
    await half.abort()
    await new Promise<void>((resolve, reject) => {
      half.options.onSuccess = () => resolve()
      half.options.onError = reject
      half.start()
    })
    expect(await receive(served, root)).toEqual({ sum: sha256Of(data), metadata })
  })

  it('is told which setting to change when its request is too large', async () => {
    const served = await serve(await temporaryDirectory(), { maxChunkSize: 1_000_000 })
    const error: DetailedError = await send(served, randomBytes(1_000_001)).catch((e) => e)
    expect(error.originalResponse?.getStatus()).toBe(413)
    expect(error.originalResponse?.getBody()).toMatch(/1000000.*chunkSize/)
  })

  it('sends an empty file', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    await send(served, Buffer.alloc(0))
    expect((await receive(served, root)).sum).toBe(sha256Of(Buffer.alloc(0)))
  })

  it('sends names in any script where they are allowed', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, { filenameCharset: 'utf-8' })
    const metadata = { filename: '日本語 – ü.txt', note: '🎬' }
    await send(served, Buffer.from('x'), { metadata })
    expect((await receive(served, root)).metadata).toEqual(metadata)
  })

  it('goes on by itself after its connection was cut', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(80_000_000)
    const offsets = cutBodies(served, 3)
    await send(served, data)
    expect(offsets).toHaveLength(4)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect(offsets[3]).toBeGreaterThan(30_000_000)
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })

  it('resumes at the URL of an earlier run', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root)
    const data = randomBytes(3_000_000)
    const uploadUrl = await sendFirstChunk(served, data)
    const starts: number[] = []
    await send(served, data, { uploadUrl, onProgress: (sent) => starts.push(sent) })
    expect(starts[0]).toBeGreaterThanOrEqual(1_000_000)
    expect((await receive(served, root)).sum).toBe(sha256Of(data))
  })
})

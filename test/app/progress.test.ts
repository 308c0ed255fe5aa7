/** Progress while a request goes on: events, iterations, the diagnostics channel. @module */
import { randomBytes, randomUUID } from 'node:crypto'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TusApp, type TusEvent, UploadError, type UploadProgress } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { beginRequest } from '../raw-request.ts'
import {
  createUpload,
  idOf,
  patch,
  type Served,
  type ServeOptions,
  serve,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

const LENGTH = 3_000_000
/** Far beyond the end of a test: what is heard was told at once. */
const NEVER_MS = 1_000_000
const OFTEN_MS = 10

async function upload(options: ServeOptions = {}) {
  const served = await serve(await temporaryDirectory(), options)
  const location = await createUpload(served.url, LENGTH)
  return { ...served, location, id: idOf(location), data: randomBytes(LENGTH) }
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

function remove(location: string): Promise<Response> {
  return fetch(location, { method: 'DELETE', headers: TUS })
}

describe('upload-progress', () => {
  it('comes while a request goes on, of durable bytes, and each byte is counted once', async () => {
    const events: TusEvent[] = []
    const durable: number[] = []
    const served: Served & { id: string; location: string; data: Buffer } = await upload({
      progressIntervalMs: OFTEN_MS,
      onEvent: async (event) => {
        events.push(event)
        if (event.type !== 'upload-progress' || event.uploadInfo.offset === LENGTH) return
        const { offset, uploadId } = event.uploadInfo
        expect((await served.storage.info(uploadId)).offset).toBeGreaterThanOrEqual(offset)
        durable.push(offset)
      },
    })
    const { data, location } = served
    const request = { method: 'PATCH', length: LENGTH, sent: data.subarray(0, 1000) } as const
    const { socket, answer } = await beginRequest(location, request)
    await expect.poll(() => durable).toEqual([1000])
    socket.write(data.subarray(1000, 1_500_000))
    await expect.poll(() => durable.at(-1)).toBe(1_500_000)
    socket.write(data.subarray(1_500_000))
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 204 /)
    const types = events.map(({ type }) => type)
    expect([types[0], types.at(-1)]).toEqual(['upload-created', 'upload-completed'])
    const progress = events.filter((event) => event.type === 'upload-progress')
    expect(progress).toHaveLength(types.length - 2)
    expect(progress.at(-1)?.uploadInfo).toMatchObject({ offset: LENGTH, length: LENGTH })
    let sum = 0
    for (const { bytesWritten, uploadInfo } of progress) {
      sum += bytesWritten
      expect(uploadInfo.offset).toBe(sum)
    }
  })

  it('is told at the end of a request, however long the interval', async () => {
    const events: TusEvent[] = []
    const onEvent = (event: TusEvent): void => void events.push(event)
    const { location, data } = await upload({ progressIntervalMs: NEVER_MS, onEvent })
    await patch(location, 0, data.subarray(0, 2_000_000))
    await patch(location, 2_000_000, data.subarray(2_000_000))
    expect(events).toMatchObject([
      { type: 'upload-created' },
      { type: 'upload-progress', bytesWritten: 2_000_000 },
      { type: 'upload-progress', bytesWritten: 1_000_000 },
      { type: 'upload-completed' },
    ])
  })

  it.each(['DELETE', 'HEAD'])('does not come after a %s has ended its request', async (method) => {
    const types: string[] = []
    const { location, data } = await upload({
      progressIntervalMs: OFTEN_MS,
      onEvent: ({ type }) => void types.push(type),
    })
    const sent = data.subarray(0, 2_000_000)
    const { socket, answer } = await beginRequest(location, {
      method: 'PATCH',
      length: LENGTH,
      sent,
    })
    await expect.poll(() => types).toContain('upload-progress')
    expect((await fetch(location, { method, headers: TUS })).ok).toBe(true)
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    const then = types.length
    socket.write(data.subarray(2_000_000))
    // More than an interval: each needs a round trip to the disk.
    for (let n = 0; n < 100; n++) await fetch(location, { method: 'HEAD', headers: TUS })
    expect(types.slice(then)).toEqual([])
    expect(types.filter((type) => type === 'upload-terminated')).toHaveLength(
      method === 'DELETE' ? 1 : 0,
    )
  })
})

describe('tus.progress', () => {
  it('tells where an upload stands, then each change until it is complete', async () => {
    const { tus, id, location, data } = await upload({ progressIntervalMs: OFTEN_MS })
    const steps = tus.progress(id)
    expect((await steps.next()).value).toEqual({ offset: 0, length: LENGTH })
    const sent = data.subarray(0, 1000)
    const { socket } = await beginRequest(location, { method: 'PATCH', length: LENGTH, sent })
    expect((await steps.next()).value).toEqual({ offset: 1000, length: LENGTH })
    socket.write(data.subarray(1000))
    const rest = await collect(steps)
    expect(rest.at(-1)).toEqual({ offset: LENGTH, length: LENGTH })
    expect(rest.map(({ offset }) => offset)).toEqual(
      [...new Set(rest.map(({ offset }) => offset))].sort((a, b) => a - b),
    )
  })

  it('gives a slow consumer the latest only', async () => {
    const { tus, id, location, data } = await upload({ progressIntervalMs: OFTEN_MS })
    const steps = tus.progress(id)
    await steps.next()
    for (let at = 0; at < 100_000; at += 1000)
      await patch(location, at, data.subarray(at, at + 1000))
    expect((await steps.next()).value).toEqual({ offset: 100_000, length: LENGTH })
    await steps.return?.()
  })

  it('tells an end at once, however long the interval', async () => {
    const { tus, id, location, data } = await upload({ progressIntervalMs: NEVER_MS })
    const steps = tus.progress(id)
    await steps.next()
    const rest = collect(steps)
    await patch(location, 0, data)
    expect(await rest).toEqual([{ offset: LENGTH, length: LENGTH }])
  })

  it.each<[string, (tus: TusApp, location: string) => Promise<unknown>]>([
    ['was terminated', (_, location) => remove(location)],
    ['was stopped', (tus, location) => tus.stop(idOf(location), 'enough')],
    ['is one of an app that closes', (tus) => tus.close()],
  ])('ends when the upload %s, however long the interval', async (_how, end) => {
    const { tus, id, location } = await upload({ progressIntervalMs: NEVER_MS })
    const steps = tus.progress(id)
    await steps.next()
    const next = steps.next()
    await end(tus, location)
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await collect(tus.progress(id))).toEqual([])
  })

  it('has one value for a complete upload, also after a worker is done with it', async () => {
    const { tus, id, location, data } = await upload()
    await patch(location, 0, data)
    const end: UploadProgress[] = [{ offset: LENGTH, length: LENGTH }]
    expect(await collect(tus.progress(id))).toEqual(end)
    await (await tus.waitForFile({ timeoutMs: 5000 })).acknowledge()
    expect(await collect(tus.progress(id))).toEqual(end)
  })

  it('waits for the verdict on an upload whose bytes are all there', async () => {
    let refuse = (_: UploadError): void => undefined
    const verdict = new Promise<undefined>((_, reject) => {
      refuse = reject
    })
    // It may come before it is asked for.
    verdict.catch(() => undefined)
    const served = await upload({ progressIntervalMs: OFTEN_MS, onComplete: () => verdict })
    const steps = served.tus.progress(served.id)
    await steps.next()
    const patching = patch(served.location, 0, served.data)
    expect((await steps.next()).value).toEqual({ offset: LENGTH, length: LENGTH })
    const next = steps.next()
    refuse(new UploadError('ERR_REFUSED', 'infected'))
    expect((await patching).status).toBe(403)
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it.each([randomUUID(), '', '..', '../completed/x', 'x.meta'])(
    'has nothing of %j, which is no upload',
    async (id) => {
      const { tus } = await upload()
      expect(await collect(tus.progress(id))).toEqual([])
    },
  )

  it('sees what another process receives, and its end', async () => {
    const root = await temporaryDirectory()
    const [one, other] = [await serve(root), await serve(root, { progressIntervalMs: OFTEN_MS })]
    const location = await createUpload(one.url, LENGTH)
    const data = randomBytes(LENGTH)
    const steps = other.tus.progress(idOf(location))
    expect((await steps.next()).value).toEqual({ offset: 0, length: LENGTH })
    await patch(location, 0, data.subarray(0, 1000))
    expect((await steps.next()).value).toEqual({ offset: 1000, length: LENGTH })
    await patch(location, 1000, data.subarray(1000))
    expect((await steps.next()).value).toEqual({ offset: LENGTH, length: LENGTH })
    expect(await steps.next()).toMatchObject({ done: true })
  })

  it('ends without an error with its signal, or with its consumer', async () => {
    const { tus, id } = await upload({ progressIntervalMs: NEVER_MS })
    const controller = new AbortController()
    const steps = tus.progress(id, { signal: controller.signal })
    await steps.next()
    const next = steps.next()
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await collect(tus.progress(id, { signal: controller.signal }))).toEqual([])
    const others = tus.progress(id)
    await others.next()
    const left = others.next()
    await others.return?.()
    expect(await left).toEqual({ done: true, value: undefined })
  })

  it('does not end the request that it watches', async () => {
    const { tus, id, location, data } = await upload({ progressIntervalMs: OFTEN_MS })
    const sent = data.subarray(0, 1000)
    const { socket, answer } = await beginRequest(location, {
      method: 'PATCH',
      length: LENGTH,
      sent,
    })
    for await (const { offset } of tus.progress(id)) if (offset === 1000) break
    socket.write(data.subarray(1000))
    await expect.poll(answer).toMatch(/^HTTP\/1\.1 204 /)
  })
})

describe('tus.events', () => {
  it('follows all uploads until the app is closed', async () => {
    const { tus, url } = await serve(await temporaryDirectory())
    const events = tus.events()
    const first = events.next()
    const locations = [await createUpload(url, 1), await createUpload(url, 2)]
    await patch(locations[0] ?? '', 0, randomBytes(1))
    await patch(locations[1] ?? '', 0, randomBytes(2))
    const types = [(await first).value?.type]
    for (let n = 1; n < 6; n++) types.push((await events.next()).value?.type)
    const each = ['upload-progress', 'upload-completed']
    expect(types).toEqual(['upload-created', 'upload-created', ...each, ...each])
    const last = events.next()
    await tus.close()
    expect(await last).toEqual({ done: true, value: undefined })
  })
})

describe('the channel tussi:upload', () => {
  it('has every event while somebody subscribes', async () => {
    const published: unknown[] = []
    const events: TusEvent[] = []
    const listener = (event: unknown): void => void published.push(event)
    const onEvent = (event: TusEvent): void => void events.push(event)
    const { url } = await serve(await temporaryDirectory(), { onEvent })
    await createUpload(url, 5)
    subscribe('tussi:upload', listener)
    onTestFinished(() => void unsubscribe('tussi:upload', listener))
    const location = await createUpload(url, 5)
    await patch(location, 0, randomBytes(5))
    const heard = events.slice(1)
    unsubscribe('tussi:upload', listener)
    expect(channel('tussi:upload').hasSubscribers).toBe(false)
    await remove(location)
    expect(events).toHaveLength(5)
    expect(published).toEqual(heard)
    expect(heard.map(({ type }) => type)).toEqual([
      'upload-created',
      'upload-progress',
      'upload-completed',
    ])
  })

  it('has the progress of a request that goes on, though there is no handler', async () => {
    const published: TusEvent[] = []
    const listener = (event: unknown): void => void published.push(event as TusEvent)
    subscribe('tussi:upload', listener)
    onTestFinished(() => void unsubscribe('tussi:upload', listener))
    const { location, data } = await upload({ progressIntervalMs: OFTEN_MS })
    const sent = data.subarray(0, 1000)
    await beginRequest(location, { method: 'PATCH', length: LENGTH, sent })
    await expect
      .poll(() => published)
      .toMatchObject([
        { type: 'upload-created' },
        { type: 'upload-progress', bytesWritten: 1000, uploadInfo: { offset: 1000 } },
      ])
  })
})

describe('the recipe for server-sent events', () => {
  /** As docs/events.md has it. */
  type SendProgress = (tus: TusApp, id: string, res: ServerResponse) => Promise<void>

  async function readRecipe(): Promise<SendProgress> {
    const page = await readFile(new URL('../../docs/events.md', import.meta.url), 'utf8')
    const [, code = ''] = /^```ts\n(import [^`]*sendProgress\([\s\S]*?)^```/m.exec(page) ?? []
    const path = join(await temporaryDirectory(), 'recipe.ts')
    await writeFile(path, code)
    return (await import(path)).sendProgress
  }

  async function serveProgress(tus: TusApp, id: string) {
    const sendProgress = await readRecipe()
    let ended = false
    const server = createServer(async (_req, res) => {
      await sendProgress(tus, id, res)
      ended = true
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}/`, hasEnded: () => ended }
  }

  it('tells a page how far its upload is', async () => {
    const { tus, id, location, data } = await upload({ progressIntervalMs: OFTEN_MS })
    const { url } = await serveProgress(tus, id)
    const response = await fetch(url)
    await patch(location, 0, data)
    const lines = (await response.text()).split('\n\n')
    expect(lines.slice(-3)).toEqual([
      `data: {"offset":${LENGTH},"length":${LENGTH}}`,
      'event: end\ndata: {}',
      '',
    ])
  })

  it('ends with the page, however long the interval', async () => {
    const { tus, id } = await upload({ progressIntervalMs: NEVER_MS })
    const { url, hasEnded } = await serveProgress(tus, id)
    const controller = new AbortController()
    await fetch(url, { signal: controller.signal })
    expect(hasEnded()).toBe(false)
    controller.abort()
    await expect.poll(hasEnded).toBe(true)
  })
})

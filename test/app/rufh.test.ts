/** What an application decides, told to clients of the IETF protocol. @module */
import { readdir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { UploadError } from 'tussi'
import { describe, expect, it } from 'vitest'
import { beginRequest } from '../raw-request.ts'
import {
  idOf,
  offsetOf,
  type Served,
  type ServeOptions,
  serve,
  temporaryDirectory,
} from '../serve.ts'

interface Answer {
  readonly status: number
  readonly complete: string | null
  readonly location: string | null
  readonly text: string
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  return {
    status: response.status,
    complete: response.headers.get('upload-complete'),
    location: response.headers.get('location'),
    text: await response.text(),
  }
}

function whole(url: string, body: string): Promise<Answer> {
  return ask(url, { method: 'POST', headers: { 'Upload-Complete': '?1' }, body })
}

async function part(url: string, body: string): Promise<string> {
  const headers = { 'Upload-Complete': '?0', 'Upload-Draft-Interop-Version': '8' }
  return (await ask(url, { method: 'POST', headers, body })).location ?? ''
}

function last(url: string, offset: number, body: string): Promise<Answer> {
  const headers = {
    'Content-Type': 'application/partial-upload',
    'Upload-Complete': '?1',
    'Upload-Offset': `${offset}`,
  }
  return ask(url, { method: 'PATCH', headers, body })
}

const ANSWER: ServeOptions = {
  onComplete: () => ({ status: 202, headers: { location: '/film/1' }, body: { id: 1 } }),
}
const REFUSAL: ServeOptions = {
  onComplete: () => {
    throw new UploadError('ERR_REFUSED', 'no film', { status: 422 })
  },
}

describe('the answer of onComplete', () => {
  it('is that of a request with all bytes', async () => {
    const { url } = await serve(await temporaryDirectory(), ANSWER)
    expect(await whole(url, 'hello')).toEqual({
      status: 202,
      complete: '?1',
      location: '/film/1',
      text: '{"id":1}',
    })
  })

  it('is that of the last part, and of its repetition', async () => {
    const { url } = await serve(await temporaryDirectory(), ANSWER)
    const location = await part(url, 'hello')
    const answer = await last(location, 5, ' world')
    expect(answer).toEqual({
      status: 202,
      complete: '?1',
      location: '/film/1',
      text: '{"id":1}',
    })
    expect(await last(location, 5, ' world')).toEqual(answer)
    expect(await last(location, 11, '')).toEqual(answer)
  })

  it('is asked for only at the end that is told', async () => {
    const asked: unknown[] = []
    const onComplete: ServeOptions['onComplete'] = ({ length }) => void asked.push(length)
    const { url } = await serve(await temporaryDirectory(), { onComplete })
    const headers = { 'Upload-Complete': '?0', 'Upload-Length': '5' }
    const { location } = await ask(url, { method: 'POST', headers, body: 'hello' })
    expect(asked).toEqual([])
    expect(await last(location ?? '', 5, '')).toMatchObject({ status: 201, complete: '?1' })
    expect(asked).toEqual([5])
  })
})

describe('a refusal by onComplete', () => {
  it('says that the matter is over', async () => {
    const { url } = await serve(await temporaryDirectory(), REFUSAL)
    const refused = await whole(url, 'hello')
    expect(refused).toMatchObject({ status: 422, complete: '?1', location: null })
    const location = await part(url, 'hello')
    expect(await last(location, 5, 'x')).toMatchObject({ status: 422, complete: '?1' })
    expect(await last(location, 5, 'x')).toMatchObject({ status: 422, complete: '?1' })
  })
})

describe('an upload', () => {
  it('tells the worker what the fields of HTTP said of it', async () => {
    const { url, tus } = await serve(await temporaryDirectory())
    const headers = {
      'Upload-Complete': '?1',
      'Content-Type': 'image/png',
      'Content-Disposition': 'inline; filename="a b.png"',
    }
    const { location } = await ask(url, { method: 'POST', headers, body: 'hello' })
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(idOf(location ?? ''))
    expect(upload.record.metadata).toEqual({ filename: 'a b.png', filetype: 'image/png' })
    await upload.acknowledge()
  })

  it('goes on beyond a limit that was set after it had begun', async () => {
    const root = await temporaryDirectory()
    const before = await serve(root)
    const headers = { 'Upload-Complete': '?0', 'Upload-Length': '10' }
    const { location } = await ask(before.url, { method: 'POST', headers, body: 'hello' })
    await before.close()
    const after = await serve(root, { maxSize: 6 })
    const url = `${after.url}${idOf(location ?? '')}`
    const found = await fetch(url, { method: 'HEAD' })
    expect(found.headers.get('upload-limit')).toBe('max-size=10')
    expect(await last(url, 5, 'world')).toMatchObject({ status: 201, complete: '?1' })
  })
})

describe('the lifetime of an upload', () => {
  it('counts from the answer, however long the request took', async () => {
    const { url } = await serve(await temporaryDirectory(), { expiration: { afterMs: 10_000 } })
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('hello')
      await setTimeout(1500)
      yield Buffer.from('world')
    }
    const headers = { 'Upload-Complete': '?0' }
    const body = ReadableStream.from(slow())
    const init = { method: 'POST', headers, body, duplex: 'half' } as const
    const answer = await fetch(url, init)
    const [, seconds] = /max-age=(\d+)/.exec(answer.headers.get('upload-limit') ?? '') ?? []
    expect(Number(seconds)).toBeLessThanOrEqual(10)
  })
})

describe('a refusal by authorize', () => {
  it('says of an append that the upload goes on, for somebody it does', async () => {
    let allowed = true
    const { url } = await serve(await temporaryDirectory(), {
      authorize: () => {
        if (allowed) return 'somebody'
        throw new UploadError('ERR_REFUSED', 'your session has ended')
      },
    })
    const location = await part(url, 'hello')
    allowed = false
    expect(await last(location, 5, 'x')).toMatchObject({ status: 403, complete: '?0' })
    expect(await whole(url, 'hello')).toMatchObject({ status: 403, complete: '?1' })
    allowed = true
    expect(await last(location, 5, 'x')).toMatchObject({ status: 201, complete: '?1' })
  })
})

describe('an upload whose bytes are all there and whose end was not told', () => {
  it('is complete for a client of tus, which takes it so, and only for that', async () => {
    const { url, tus } = await serve(await temporaryDirectory())
    const headers = { 'Upload-Complete': '?0', 'Upload-Length': '5' }
    const made = await ask(url, { method: 'POST', headers, body: 'hello' })
    const location = made.location ?? ''
    expect(await ask(location, { method: 'HEAD' })).toMatchObject({ complete: '?0' })
    await expect(tus.waitForFile({ timeoutMs: 50 })).rejects.toThrow(/within 50 ms/)
    expect(await offsetOf(location)).toBe(5)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(idOf(location))
    await upload.acknowledge()
  })

  it('is shown to a client of tus once it was judged', async () => {
    const { url } = await serve(await temporaryDirectory(), REFUSAL)
    const headers = { 'Upload-Complete': '?0', 'Upload-Length': '5' }
    const made = await ask(url, { method: 'POST', headers, body: 'hello' })
    await expect(offsetOf(made.location ?? '')).rejects.toThrow('HEAD: 422')
  })
})

describe('a creation that had its 104', () => {
  const fields = { 'Upload-Complete': '?1', 'Upload-Draft-Interop-Version': '8' }
  const begin = (url: string) =>
    beginRequest(url, {
      method: 'POST',
      length: 10,
      sent: Buffer.from('hello'),
      fields,
      tus: false,
    })
  const ends: [string, ServeOptions, (served: Served) => Promise<unknown>][] = [
    ['the server shuts down', {}, ({ tus }) => tus.close()],
    ['its sender is silent for too long', { idleTimeoutMs: 300 }, async () => undefined],
  ]

  it.each(ends)('is cut off when %s, so that URLSession resumes', async (_, options, end) => {
    const root = await temporaryDirectory()
    const served = await serve(root, options)
    const { socket, answer } = await begin(served.url)
    await expect.poll(answer).toMatch(/^HTTP\/1.1 104 /)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await end(served)
    await closed
    expect(answer().match(/HTTP\/1.1 /g)).toHaveLength(1)
    await served.close()
    const path = new URL(/\r\nlocation: (.*)\r\n/i.exec(answer())?.[1] ?? '').pathname
    expect(await offsetOf(new URL(path, (await serve(root)).url).href)).toBe(5)
  })

  it('is answered when no 104 was sent', async () => {
    const served = await serve(await temporaryDirectory(), { informational: false })
    const { answer } = await begin(served.url)
    await expect.poll(() => readdir(served.directory)).toHaveLength(3)
    await served.tus.close()
    await expect.poll(answer).toMatch(/^HTTP\/1.1 503 /)
  })
})

/** How small uploads and their parts may be, where servers change, connections end, and uploads are made of others. */
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { beginRequest } from '../raw-request.ts'
import { idOf, offsetOf, type ServeOptions, serve, TUS, temporaryDirectory } from '../serve.ts'

const IETF = { 'Upload-Draft-Interop-Version': '8' }
const SILENT = { info() {}, warn() {}, error() {} }

interface Answer {
  readonly status: number
  readonly limit: string | null
  readonly code: string | null
}

async function ask(
  url: string,
  method: string,
  fields: Readonly<Record<string, string>>,
  body?: string,
): Promise<Answer & { readonly location: string }> {
  const response = await fetch(url, { method, headers: fields, ...(body && { body }) })
  await response.arrayBuffer()
  const { headers, status } = response
  return {
    status,
    limit: headers.get('upload-limit'),
    code: headers.get('tussi-error'),
    location: headers.get('location') ?? '',
  }
}

function append(url: string, offset: number, complete: string, body: string): Promise<Answer> {
  const at = { 'Upload-Offset': `${offset}`, 'Upload-Complete': complete }
  return ask(url, 'PATCH', { ...IETF, ...at, 'Content-Type': 'application/partial-upload' }, body)
}

/** An upload without a length and with `hello`, on another server than it was begun on. */
async function moved(before: ServeOptions, after: ServeOptions): Promise<string> {
  const root = await temporaryDirectory()
  const first = await serve(root, before)
  const { location } = await ask(first.url, 'POST', { ...IETF, 'Upload-Complete': '?0' }, 'hello')
  await first.close()
  const { url } = await serve(root, after)
  return `${url}${idOf(location)}`
}

describe('an upload that was begun on a server that asked for less', () => {
  const less = { minSize: 8, minChunkSize: 4 }
  const more = { minSize: 100, minChunkSize: 50 }

  it('goes on as it was begun where there was no minimum', async () => {
    const url = await moved({}, more)
    expect(await ask(url, 'HEAD', IETF)).toMatchObject({ status: 204, limit: 'min-size=0' })
    expect(await append(url, 5, '?0', 'w')).toMatchObject({ status: 204 })
    expect(await append(url, 6, '?1', 'o')).toMatchObject({ status: 201 })
  })

  it('is held to what it was told', async () => {
    const url = await moved(less, more)
    const limit = 'min-size=8, min-append-size=4'
    expect(await ask(url, 'HEAD', IETF)).toMatchObject({ status: 204, limit })
    const code = 'ERR_CHUNK_SIZE_NOT_REACHED'
    const short = await append(url, 5, '?0', 'wor')
    expect(short).toMatchObject({ status: 400, code, limit: 'min-append-size=4' })
    const small = { status: 400, code: 'ERR_MIN_SIZE_NOT_REACHED', limit: 'min-size=8' }
    expect(await append(url, 5, '?1', 'wo')).toMatchObject(small)
    expect(await append(url, 5, '?0', 'worl')).toMatchObject({ status: 204 })
    expect(await append(url, 9, '?1', 'd')).toMatchObject({ status: 201 })
  })

  it('and on one that asked for more to what is asked for now', async () => {
    const url = await moved({ minSize: 100, minChunkSize: 5 }, less)
    const limit = 'min-size=8, min-append-size=4'
    expect(await ask(url, 'HEAD', IETF)).toMatchObject({ status: 204, limit })
    expect(await append(url, 5, '?0', 'wor')).toMatchObject({ limit: 'min-append-size=4' })
    expect(await append(url, 5, '?0', 'worl')).toMatchObject({ status: 204 })
    expect(await append(url, 9, '?1', '!')).toMatchObject({ status: 201 })
  })
})

describe('a request that is cut off', () => {
  it.each(['Content-Length', 'Transfer-Encoding'])('keeps less, with %s', async (how) => {
    const { url } = await serve(await temporaryDirectory(), { minChunkSize: 5 })
    const { location } = await ask(url, 'POST', { ...TUS, 'Upload-Length': '20' })
    const sent = Buffer.from('he')
    if (how === 'Content-Length') {
      const { socket } = await beginRequest(location, { method: 'PATCH', length: 10, sent })
      socket.end()
      await once(socket, 'close')
    } else {
      const type = { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0' }
      const cut = request(location, { method: 'PATCH', agent: false, headers: { ...TUS, ...type } })
      cut.on('error', () => undefined)
      await new Promise((written) => cut.write(sent, written))
      cut.destroy()
    }
    await expect.poll(() => offsetOf(location)).toBe(2)
  })

  it('keeps less where it would have ended an upload that is too small', async () => {
    const { url } = await serve(await temporaryDirectory(), { minSize: 100 })
    const { location } = await ask(url, 'POST', { ...IETF, 'Upload-Complete': '?0' })
    const fields = {
      ...IETF,
      'Upload-Complete': '?1',
      'Upload-Offset': '0',
      'Content-Type': 'application/partial-upload',
    }
    const cut = request(location, { method: 'PATCH', agent: false, headers: fields })
    cut.on('error', () => undefined)
    await new Promise((written) => cut.write('he', written))
    cut.destroy()
    await expect.poll(() => offsetOf(location)).toBe(2)
  })
})

describe('an upload that is made of others', () => {
  const part = async (url: string, body: string, fields = {}): Promise<string> => {
    const length = { 'Upload-Length': `${body.length}` }
    const type = { 'Upload-Concat': 'partial', 'Content-Type': 'application/offset+octet-stream' }
    return (await ask(url, 'POST', { ...TUS, ...length, ...type, ...fields }, body)).location
  }
  const join = (url: string, parts: readonly string[]): ReturnType<typeof ask> =>
    ask(url, 'POST', { ...TUS, 'Upload-Concat': `final;${parts.join(' ')}` })

  it('is held to the sum of its parts', async () => {
    const { url, storage } = await serve(await temporaryDirectory(), { minSize: 8 })
    const [five, two, three] = [
      await part(url, 'hello'),
      await part(url, 'wo'),
      await part(url, 'rld'),
    ]
    const refused = { status: 400, code: 'ERR_MIN_SIZE_NOT_REACHED' }
    expect(await join(url, [five, two])).toMatchObject(refused)
    const left: string[] = []
    for await (const { uploadId } of storage.list()) left.push(uploadId)
    expect(left.sort()).toEqual([five, two, three].map(idOf).sort())
    expect(await join(url, [five, three])).toMatchObject({ status: 201 })
  })

  it('also where that only shows when they are complete', async () => {
    const { url } = await serve(await temporaryDirectory(), { minSize: 8, logger: SILENT })
    const open = { 'Upload-Concat': 'partial', 'Upload-Defer-Length': '1' }
    const later = (await ask(url, 'POST', { ...TUS, ...open })).location
    const final = await join(url, [await part(url, 'hello'), later])
    expect(final.status).toBe(201)
    const told = { 'Upload-Offset': '0', 'Upload-Length': '2' }
    const type = { 'Content-Type': 'application/offset+octet-stream' }
    expect((await ask(later, 'PATCH', { ...TUS, ...told, ...type }, 'wo')).status).toBe(204)
    const head = (): Promise<Answer> => ask(final.location, 'HEAD', TUS)
    await expect.poll(head).toMatchObject({ status: 400, code: 'ERR_REFUSED' })
  })
})

it('asks no hook about an upload that is too small', async () => {
  const asked: unknown[] = []
  const onCreate: ServeOptions['onCreate'] = (headers) => void asked.push(headers)
  const { url } = await serve(await temporaryDirectory(), { onCreate, minSize: 8, minChunkSize: 4 })
  const bytes = { ...TUS, 'Content-Type': 'application/offset+octet-stream' }
  expect((await ask(url, 'POST', { ...TUS, 'Upload-Length': '7' })).status).toBe(400)
  expect((await ask(url, 'POST', { ...bytes, 'Upload-Length': '9' }, 'hel')).status).toBe(400)
  expect(asked).toEqual([])
})

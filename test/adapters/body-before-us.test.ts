/** Bodies that somebody has touched before they reach tussi. @module */
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TusApp } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createUpload, offsetOf, patch, serve, TUS, temporaryDirectory } from '../serve.ts'

const SILENT = { info() {}, warn() {}, error() {} }
const PATCH = { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0' }

type Middleware = (req: IncomingMessage, res: ServerResponse, next: () => void) => void

/** A server whose PATCH requests go through `middleware`; resolves with its URL. */
async function behind(middleware: Middleware): Promise<string> {
  const { tus } = await serve(await temporaryDirectory(), { logger: SILENT })
  const server = createServer((req, res) => {
    if (req.method !== 'PATCH') void tus.listener(req, res)
    else middleware(req, res, () => void tus.listener(req, res))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close().closeAllConnections())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`
}

describe('a body on node:http', () => {
  it('of which something has read the beginning is refused, and nothing of it is kept', async () => {
    const url = await behind((req, _res, next) => {
      req.once('data', () => {
        req.pause()
        next()
      })
    })
    const data = Buffer.alloc(500_000, 'x')
    const location = await createUpload(url, data.length)
    const response = await patch(location, 0, data)
    expect(await response.json()).toMatchObject({ status: 500, code: 'ERR_BODY_CONSUMED' })
    expect(await offsetOf(location)).toBe(0)
  })

  it('that is empty has lost nothing by being read', async () => {
    const url = await behind((req, _res, next) => void req.resume().on('end', next))
    const location = await createUpload(url, 5)
    expect((await patch(location, 0, Buffer.alloc(0))).status).toBe(204)
  })

  it('may wait for a decision that takes its time', async () => {
    const url = await behind((_req, _res, next) => void setTimeout(next, 100))
    const data = Buffer.alloc(500_000, 'x')
    const location = await createUpload(url, data.length)
    expect((await patch(location, 0, data)).status).toBe(204)
  })
})

describe('a body of a Request', () => {
  const send = async (touch: (request: Request) => unknown): Promise<Response> => {
    const { tus, url } = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(url, 5)
    const request = new Request(location, { method: 'PATCH', headers: PATCH, body: 'hello' })
    await touch(request)
    const response = await (tus as TusApp).fetch(request)
    expect(await offsetOf(location)).toBe(response.status === 204 ? 5 : 0)
    return response
  }

  it('that was read is refused with the cause', async () => {
    const response = await send((request) => request.text())
    expect(await response.json()).toMatchObject({ status: 500, code: 'ERR_BODY_CONSUMED' })
  })

  it('that somebody is reading is refused with the cause', async () => {
    const response = await send((request) => void request.body?.getReader())
    expect(await response.json()).toMatchObject({ status: 500, code: 'ERR_BODY_CONSUMED' })
  })

  it('of which a clone was read is taken', async () => {
    const response = await send((request) => request.clone().text())
    expect(response.status).toBe(204)
  })

  it('whose client has gone is cut off, though its stream comes to an end', async () => {
    const { tus, url, completedDir } = await serve(await temporaryDirectory(), { logger: SILENT })
    const gone = new AbortController()
    const body = new ReadableStream({
      pull(controller) {
        gone.abort()
        controller.close()
      },
    })
    const headers = { 'Upload-Complete': '?1' }
    const init = { method: 'POST', headers, body, duplex: 'half', signal: gone.signal } as const
    const response = await (tus as TusApp).fetch(new Request(url, init))
    expect(await response.json()).toMatchObject({ status: 400, code: 'ERR_CONNECTION_RESET' })
    expect(await readdir(completedDir)).toEqual(['.tussi'])
  })

  it('whose client has gone is kept as far as it came', async () => {
    const { tus, url } = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(url, 5)
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('hel'))
      },
      pull() {
        return Promise.reject(new Error('aborted'))
      },
    })
    const init = { method: 'PATCH', headers: PATCH, body, duplex: 'half' } as RequestInit
    const response = await tus.fetch(new Request(location, init))
    expect(await response.json()).toMatchObject({ status: 400, offset: 3 })
    expect(await offsetOf(location)).toBe(3)
  })

  it('that cannot be cancelled delays no answer', async () => {
    const { tus, url } = await serve(await temporaryDirectory(), { logger: SILENT })
    const location = await createUpload(url, 5)
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('too much'))
      },
      cancel: () => new Promise(() => {}),
    })
    const init = { method: 'PATCH', headers: PATCH, body, duplex: 'half' } as RequestInit
    expect((await tus.fetch(new Request(location, init))).status).toBe(413)
  })
})

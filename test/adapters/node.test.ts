/** What is particular to servers of Node. @module */
import { EventEmitter, once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { FilesystemStorage, TusApp } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createUpload, serve, TUS, temporaryDirectory } from '../serve.ts'

describe('an embedding server', () => {
  it.each([
    [300_000, ["the server's requestTimeout will cut off uploads after 300000 ms; set it to 0"]],
    [0, []],
  ])('with requestTimeout %d is warned about once', async (requestTimeout, expected) => {
    const root = await temporaryDirectory()
    const warnings: string[] = []
    const logger = { info() {}, warn: (message: string) => void warnings.push(message), error() {} }
    const storage = new FilesystemStorage({ directory: join(root, 'u'), logger })
    onTestFinished(() => storage.close())
    const tus = new TusApp({ storage, completedDir: join(root, 'c'), logger })
    const server = createServer({ requestTimeout }, tus.listener).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`
    await createUpload(url, 5)
    await createUpload(url, 5)
    expect(warnings).toEqual(expected)
  })
})

describe('a connection', () => {
  it('is used again after answers and after refusals of whole bodies, and keeps no listeners', async () => {
    const { port, url, server } = await serve(await temporaryDirectory())
    const path = new URL(await createUpload(url, 1_000_000)).pathname
    const counts = new Set<number>()
    const seen = new Set<unknown>()
    server.on('request', (req: IncomingMessage, _res: ServerResponse) => {
      seen.add(req.socket)
      const names = req.socket.eventNames()
      counts.add(names.reduce((sum, name) => sum + req.socket.listenerCount(name), 0))
    })
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let answers = ''
    socket.on('data', (chunk) => {
      answers += chunk
    })
    const send = (offset: number): void => {
      socket.write(
        `PATCH ${path} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
          'Content-Type: application/offset+octet-stream\r\n' +
          `Upload-Offset: ${offset}\r\nContent-Length: 5\r\n\r\nhello`,
      )
    }
    const answered = (): number => answers.split('HTTP/1.1 ').length - 1
    for (let i = 0; i < 100; i++) {
      send(i % 2 === 0 ? (i / 2) * 5 : 999_999)
      await expect.poll(answered, { interval: 1 }).toBe(i + 1)
    }
    expect(answers.match(/HTTP\/1.1 204 /g)).toHaveLength(50)
    expect(answers.match(/HTTP\/1.1 409 /g)).toHaveLength(50)
    expect(seen.size).toBe(1)
    expect(counts.size).toBeLessThanOrEqual(2)
  })
})

describe('a stream of HTTP/2', () => {
  it('whose request was refused is over, although the client has not ended it', async () => {
    const { tus, url } = await serve(await temporaryDirectory())
    const path = new URL(await createUpload(url, 5)).pathname
    const server = createHttp2Server(tus.listener).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => session.destroy())
    const stream = session.request({
      ':method': 'PATCH',
      ':path': path,
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Offset': '3',
    })
    stream.write('he')
    let answer = ''
    stream.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    await once(stream, 'close')
    expect(JSON.parse(answer)).toMatchObject({ code: 'ERR_MISMATCHED_OFFSET' })
    expect(stream.rstCode).toBe(0)
  })

  it('that broke off before its body was read is cut off, and makes no upload complete', async () => {
    const steps = new EventEmitter()
    const asked = once(steps, 'asked')
    const onCreate = async (): Promise<undefined> => {
      steps.emit('asked')
      await once(steps, 'broken')
    }
    const { tus, url, directory } = await serve(await temporaryDirectory(), { onCreate })
    const server = createHttp2Server(tus.listener).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    server.on('request', (req) => req.once('aborted', () => steps.emit('broken')))
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const fields = { 'upload-complete': '?1', 'upload-draft-interop-version': '8' }
    const stream = session.request({ ':method': 'POST', ':path': '/files/', ...fields })
    stream.on('error', () => undefined).write('hello')
    await asked
    session.destroy()
    const made = async (): Promise<string | undefined> =>
      (await readdir(directory)).find((name) => name.endsWith('.meta'))
    await expect.poll(made).toBeDefined()
    const id = (await made())?.replace('.meta', '')
    const { headers } = await fetch(`${url}${id}`, { method: 'HEAD' })
    expect(headers.get('Upload-Complete')).toBe('?0')
  })
})

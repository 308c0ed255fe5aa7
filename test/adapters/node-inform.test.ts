/** Informational responses, by whichever way the running Node.js has. @module */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Inform, informOf } from '../../src/adapters/node-inform.ts'

type Answer = (inform: Inform | undefined, res: ServerResponse) => void

/** What a server says to `request` on a connection that is closed afterwards. */
async function said(request: string, answer: Answer): Promise<string> {
  const server = createServer((req, res) => answer(informOf(req, res), res))
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (piece) => {
    text += piece
  })
  socket.write(request)
  await once(socket, 'close')
  return text
}

const GET = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

describe('informOf', () => {
  it('sends any number before the answer', async () => {
    const text = await said(GET, (inform, res) => {
      inform?.(104, { Location: '/x', 'Upload-Limit': 'min-size=0' })
      inform?.(104, { 'Upload-Offset': '5' })
      expect(res.headersSent).toBe(false)
      res.setHeader('X', 'y').end('done')
    })
    const [first, second, last] = text.split(/(?=HTTP\/1\.1 )/)
    expect(first).toMatch(/^HTTP\/1\.1 104 Upload Resumption Supported\r\n/)
    expect(first).toMatch(/\r\nLocation: \/x\r\n/i)
    expect(first).toMatch(/\r\n\r\n$/)
    expect(second).toMatch(/^HTTP\/1\.1 104 [\s\S]*\r\nUpload-Offset: 5\r\n\r\n$/i)
    expect(last).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nX: y\r\n[\s\S]*done$/)
  })

  it('sends none after the head of the answer', async () => {
    const text = await said(GET, (inform, res) => {
      res.write('a')
      inform?.(104, { 'Upload-Offset': '5' })
      res.end('b')
    })
    expect(text).not.toContain('104')
  })

  it.each([
    { Location: '/x\r\nSet-Cookie: a=b' },
    { Location: '/x\nSet-Cookie: a=b' },
    { Location: '/x\0' },
    { Location: '/\u0100' },
    { 'Set-Cookie: a': 'b' },
    { '': 'b' },
  ])('sends none with a field that is none: %j', async (headers) => {
    const text = await said(GET, (inform, res) => {
      inform?.(104, headers as Record<string, string>)
      res.end()
    })
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).not.toContain('Cookie')
  })

  it('is nothing for HTTP/1.0', async () => {
    const text = await said('GET / HTTP/1.0\r\n\r\n', (inform, res) => {
      res.end(`${inform}`)
    })
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*undefined$/)
  })

  it('is nothing for a response that can have none', () => {
    const req = { httpVersionMajor: 1, httpVersionMinor: 1 }
    expect(informOf(req as never, {} as never)).toBeUndefined()
  })

  it('keeps the order of pipelined requests', async () => {
    const earlier: ServerResponse[] = []
    const text = await said(GET.replace('close', 'keep-alive') + GET, (inform, res) => {
      inform?.(104, { Location: '/x' })
      // The second request is answered while the first one waits.
      for (const first of earlier) setTimeout(() => first.end('first'), 20)
      if (earlier.length > 0) res.end('second')
      earlier.push(res)
    })
    expect(text.match(/HTTP\/1\.1 \d+|first|second/g)).toEqual([
      ...['HTTP/1.1 104', 'HTTP/1.1 200', 'first'],
      ...['HTTP/1.1 104', 'HTTP/1.1 200', 'second'],
    ])
  })

  it('takes the documented way where there is one', () => {
    const calls: unknown[] = []
    const res = {
      headersSent: false,
      destroyed: false,
      writeInformation: (...args: unknown[]) => calls.push(args),
      _writeRaw: () => calls.push('raw'),
    }
    const req = { httpVersionMajor: 1, httpVersionMinor: 1 }
    informOf(req as never, res as never)?.(104, { a: 'b' })
    expect(calls).toEqual([[104, { a: 'b' }]])
  })

  it('sends them over HTTP/2 too', async () => {
    const server = createHttp2Server((req, res) => {
      const inform = informOf(req, res)
      inform?.(104, { Location: '/x' })
      inform?.(104, { 'Upload-Offset': '5' })
      res.end('done')
      inform?.(104, { 'Upload-Offset': '6' })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      session.close()
      server.close()
    })
    const stream = session.request({ ':path': '/' })
    const heads: unknown[] = []
    stream.on('headers', ({ ':status': status, location, 'upload-offset': offset }) =>
      heads.push([status, location ?? offset]),
    )
    await once(stream.resume(), 'end')
    expect(heads).toEqual([
      [104, '/x'],
      [104, '5'],
    ])
  })
})

/** What is read without the parser of `node:http` is read as that parser would have read it. */
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { type Http1Request, parseHttp1Request } from '../../src/protocol/http1-request.ts'

const HEADS = 20_000

/** Mulberry32: the same heads on every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const LINES = [
  'Host: a.example',
  'Host:b',
  'Tus-Resumable: 1.0.0',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: 05',
  'content-length:5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: Upload-Offset',
  'Proxy-Connection: close',
  'Upload-Offset: \t5 ',
  'Upload-Metadata: a YQ==,b',
  'Authorization: Bearer x',
  'authorization: Bearer y',
  'Cookie: a=b',
  'X: \xe4\xa0',
  '__proto__: x',
  'X-Empty:',
  ' folded: 1',
]
const METHODS = ['HEAD', 'POST', 'PATCH', 'DELETE', 'GET', 'patch']
const TARGETS = ['/files/', '/files/a?b=%20#', '//x/', '/a b', 'http://a/', '*', '/\xe4']
const ODD = ['\r', '\n', '\x00', ' ', '\t', ':', ',', '\x7f', '\xff', '\x0b', '\r\n', '"']

function makeHead(random: (below: number) => number): string {
  const pick = (list: readonly string[]): string => list[random(list.length)] ?? ''
  const version = random(20) === 0 ? 'HTTP/1.0' : 'HTTP/1.1'
  const lines = [`${pick(METHODS)} ${pick(TARGETS)} ${version}`, 'Host: h'.repeat(random(8) && 1)]
  for (let i = random(6); i > 0; i--) lines.push(pick(LINES))
  let head = lines.filter(Boolean).join('\r\n').concat('\r\n')
  for (let i = random(4); i > 2; i--) {
    const place = random(head.length)
    head = head.slice(0, place) + pick(ODD) + head.slice(place + random(2))
  }
  return head
}

class Connection extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

/** `undefined` where Node refuses the head. */
async function parseWithNode(head: string): Promise<Http1Request | undefined> {
  const server = createServer()
  const heard = new Promise<IncomingMessage | undefined>((resolve) => {
    server.on('request', resolve).on('clientError', () => resolve(undefined))
    server.on('checkContinue', () => resolve(undefined)).on('upgrade', () => resolve(undefined))
    setTimeout(resolve, 1000, undefined).unref()
  })
  const connection = new Connection()
  server.emit('connection', connection)
  connection.push(Buffer.from(`${head}\r\n`, 'latin1'))
  const req = await heard
  connection.destroy()
  if (!req) return undefined
  const { method = '', url: target = '', headers, rawHeaders } = req
  const fields = new Map<string, string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    fields.set(rawHeaders[i]?.toLowerCase() ?? '', rawHeaders[i + 1] ?? '')
  }
  expect(rawHeaders).toHaveLength(2 * fields.size)
  const contentLength = Number(headers['content-length'] ?? 0)
  return { method, target, fields, contentLength, close: headers.connection === 'close' }
}

it(`reads ${HEADS} heads as Node does, or leaves them to it`, async () => {
  const random = createRandom(7)
  let read = 0
  for (let i = 0; i < HEADS; i++) {
    const head = makeHead(random)
    const ours = parseHttp1Request(head)
    if (!ours) continue
    read++
    const theirs = await parseWithNode(head)
    expect(theirs, JSON.stringify(head)).toEqual(ours)
  }
  // Neither all of them nor none: both sides have been asked.
  expect(read).toBeGreaterThan(HEADS / 50)
  expect(read).toBeLessThan(HEADS / 2)
})

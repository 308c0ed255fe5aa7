/** A request whose body is still coming: sent by hand over a socket, answered in text. @module */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { TUS } from './serve.ts'

/** A request under way. The test ends its connection. */
export interface RawRequest {
  readonly socket: Socket
  /** What has been answered so far, head and body. */
  answer(): string
}

export interface RawRequestOptions {
  readonly method: 'PATCH' | 'POST'
  /** Announced; the rest stays to be sent. */
  readonly length: number
  readonly sent: Uint8Array
  readonly fields?: Readonly<Record<string, string>>
  /** Whether it is tus. @defaultValue true */
  readonly tus?: boolean
}

/** Sends the head and the first bytes of a request. */
export async function beginRequest(
  url: string,
  { method, length, sent, fields, tus = true }: RawRequestOptions,
): Promise<RawRequest> {
  const { port, pathname } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  const all = {
    Host: 'h',
    ...(tus && { ...TUS, 'Content-Type': 'application/offset+octet-stream' }),
    'Content-Length': `${length}`,
    ...(method === 'PATCH' && { 'Upload-Offset': '0' }),
    ...fields,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${method} ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
  socket.write(sent)
  return { socket, answer: () => answer }
}

/** One request over each way into the server. @module */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { type ClientHttp2Session, constants } from 'node:http2'
import type { Informational, Send, TestRequest, TestResponse } from './exchange.ts'

/** Sends with the client of `node:http`, one connection per request. */
export function sendOverHttp(port: number): Send {
  return async ({ method, path, fields, body, chunked, trailers }) => {
    const options: RequestOptions = { host: '127.0.0.1', port, method, path, agent: false }
    const request = httpRequest({ ...options, headers: withLength(fields, body, chunked) })
    const answered = once(request, 'response')
    const informational: Informational[] = []
    request.on('information', ({ statusCode, headers }) => {
      informational.push({ status: statusCode, fields: asFields(headers) })
    })
    // A refusal may come, and the connection go, while the body is still being sent.
    request.on('error', () => {})
    for (const piece of chunked ? halves(body) : []) request.write(piece)
    if (trailers) request.addTrailers(trailers)
    request.end(chunked ? undefined : body)
    const [message] = (await answered) as [IncomingMessage]
    return { ...(await readMessage(message)), informational }
  }
}

async function readMessage(message: IncomingMessage): Promise<TestResponse> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return {
    status: message.statusCode ?? 0,
    fields: asFields(message.headers),
    body: Buffer.concat(chunks).toString(),
  }
}

function asFields(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const fields = Object.entries(headers).filter(([name]) => name !== ':status')
  return Object.fromEntries(fields.map(([name, value]) => [name, `${value}`]))
}

/** Sends with the client of `node:http2`, one stream per request. */
export function sendOverHttp2(session: ClientHttp2Session): Send {
  return async ({ method, path, fields, body, chunked, trailers }) => {
    const stream = session.request(
      { ':method': method, ':path': path, ...withLength(fields, body, chunked) },
      { endStream: body === undefined, waitForTrailers: trailers !== undefined },
    )
    stream.once('wantTrailers', () => stream.sendTrailers({ ...trailers }))
    const answered = once(stream, 'response')
    const informational: Informational[] = []
    stream.on('headers', (headers) => {
      informational.push({ status: Number(headers[':status']), fields: asFields(headers) })
    })
    stream.on('error', () => {})
    for (const piece of chunked ? halves(body) : []) stream.write(piece)
    if (body !== undefined) stream.end(chunked ? undefined : body)
    const [head] = (await answered) as [Record<string, string | number>]
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(stream, 'end')
    // A server takes many resets within a second for an attack.
    if (!stream.writableFinished) stream.close(constants.NGHTTP2_NO_ERROR)
    return {
      status: Number(head[':status']),
      fields: asFields(head),
      body: Buffer.concat(chunks).toString(),
      informational,
    }
  }
}

/** Hands `Request` objects to a Fetch handler, as a runtime would after parsing HTTP. */
export function sendToFetch(
  authority: string,
  handle: (request: Request) => Promise<Response>,
): Send {
  return async ({ method, path, fields, body, chunked }) => {
    const headers = new Headers()
    for (const [name, value] of Object.entries(withLength(fields, body, chunked))) {
      for (const one of [value].flat()) headers.append(name, one)
    }
    const content = chunked ? new ReadableStream({ start: (out) => feed(out, body) }) : body
    const init = { method, headers, ...(content ? { body: content, duplex: 'half' } : {}) }
    const response = await handle(new Request(`http://${authority}${path}`, init as RequestInit))
    return {
      status: response.status,
      fields: Object.fromEntries(response.headers),
      body: await response.text(),
    }
  }
}

function feed(out: ReadableStreamDefaultController, body: Uint8Array | undefined): void {
  for (const piece of halves(body)) out.enqueue(piece)
  out.close()
}

function halves(body: Uint8Array = new Uint8Array()): Uint8Array[] {
  const middle = body.byteLength >> 1
  return [body.subarray(0, middle), body.subarray(middle)].filter((half) => half.byteLength > 0)
}

function withLength(
  fields: TestRequest['fields'],
  body: Uint8Array | undefined,
  chunked: boolean | undefined,
): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {}
  if (body !== undefined && !chunked) all['Content-Length'] = `${body.byteLength}`
  for (const [name, value] of Object.entries(fields)) {
    all[name] = typeof value === 'string' ? value : [...value]
  }
  return all
}

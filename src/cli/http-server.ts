/** The HTTP server of `tussi-server`: one endpoint, clear answers beside it. @module */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AttachedAnswer, TusApp } from '../index.ts'
import { maxConnections } from './max-connections.ts'

const ENDPOINT = '/files/'

const PROBLEM = 'application/problem+json'

/** A final upload names its parts in one field: so many bytes are a thousand of them. */
const MAX_HEADER_BYTES = 131_072

/** Time to read a refusal before the connection is gone. */
const LINGER_MS = 500

/** A server that is not yet listening. */
export function createHttpServer(
  tus: TusApp,
  { accessLog }: { readonly accessLog: boolean },
): Server {
  const route =
    (listener: TusApp['listener']) =>
    (req: IncomingMessage, res: ServerResponse): void => {
      if (accessLog) logAccess(req, res)
      if (isUpload(req.url ?? '/')) void listener(req, res)
      else answerNotFound(res)
    }
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, route(tus.listener))
  server.on('checkContinue', route(tus.checkContinue))
  // A large upload takes longer than any fixed time; Node's 300 seconds would cut it off.
  server.requestTimeout = 0
  // Beyond it connections are closed at once: senders that all hold one, and no file, never end.
  const connections = maxConnections()
  if (connections !== undefined) server.maxConnections = connections
  server.on('clientError', refuse)
  tus.attach(server, { path: ENDPOINT, ...(accessLog && { onAnswer: logAnswer }) })
  return server
}

/** What came is no request. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const [status, title, detail] = refusalOf(error)
  const problem = { type: 'about:blank', title, status, detail, code: 'ERR_INVALID_REQUEST' }
  const body = JSON.stringify(problem)
  const head = `Content-Type: ${PROBLEM}\r\nContent-Length: ${Buffer.byteLength(body)}`
  socket.end(`HTTP/1.1 ${status} ${title}\r\n${head}\r\nConnection: close\r\n\r\n${body}`)
  // An end alone would leave it to the peer when the connection is over, and that may be gone.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

function refusalOf({ code }: NodeJS.ErrnoException): [number, string, string] {
  if (code === 'HPE_HEADER_OVERFLOW')
    return [431, 'Request Header Fields Too Large', 'The fields of the request are too long.']
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return [408, 'Request Timeout', 'The request did not arrive in time.']
  if (code === 'HPE_INVALID_EOF_STATE') return [400, 'Bad Request', 'The request broke off.']
  return [400, 'Bad Request', 'The request is not valid HTTP.']
}

/** `http://host:port/files/` of a server that listens. */
export function serverUrl(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}${ENDPOINT}`
}

function isUpload(url: string): boolean {
  const path = url.replace(/^https?:\/\/[^/]*/i, '').split('?', 1)[0] ?? ''
  return path === ENDPOINT.slice(0, -1) || path.startsWith(ENDPOINT)
}

function answerNotFound(res: ServerResponse): void {
  const body = JSON.stringify({
    type: 'about:blank',
    title: 'Not found',
    status: 404,
    detail: `Uploads are received at ${ENDPOINT}.`,
    code: 'ERR_NOT_FOUND',
  })
  res.writeHead(404, { 'Content-Type': PROBLEM, 'Content-Length': Buffer.byteLength(body) })
  res.end(body)
}

/** One line when the answer is out: time, method, path, status, bytes of the body, milliseconds. */
function logAccess(req: IncomingMessage, res: ServerResponse): void {
  const start = performance.now()
  const before = req.socket.bytesRead
  const { method = '', url: target = '/' } = req
  res.on('close', () => {
    const { statusCode: status, writableFinished: sent } = res
    // Of a body that was cut off, or came in chunks, about what came after the head.
    const length = Number(req.headers['content-length'])
    const bytes = req.complete && length >= 0 ? length : Math.max(0, req.socket.bytesRead - before)
    logAnswer({ method, target, status, sent, bytes, ms: performance.now() - start })
  })
}

function logAnswer({ method, target, status, sent, bytes, ms }: AttachedAnswer): void {
  const [path] = target.split('?', 1)
  const outcome = sent ? status : `${status} unfinished`
  process.stdout.write(
    `${new Date().toISOString()} ${method} ${path} ${outcome} ${bytes} bytes ${Math.round(ms)} ms\n`,
  )
}

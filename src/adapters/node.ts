/**
 * `node:http`, `node:http2`, Express and Connect to the core. No Request, no Headers, no web
 * streams: bytes go from the socket to the storage.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { constants } from 'node:http2'
import type { Handle, Reply } from '../http/exchange.ts'
import type { ByteBudget } from './byte-budget.ts'
import { drain } from './drain.ts'
import { NodeContent } from './node-content.ts'
import { NodeExchange } from './node-exchange.ts'
import { informOf } from './node-inform.ts'

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

/** A request listener of `node:http`, `node:https` or `node:http2` servers. */
export type NodeListener = (req: Request, res: Response) => Promise<void>

/** How a listener is made. */
export interface NodeListenerOptions {
  /** It is for `checkContinue`: the client waits before it sends its body. */
  readonly expectsContinue: boolean
  readonly budget: ByteBudget
  /** Told once if the server around will cut off long uploads. */
  readonly onShortTimeout: (timeoutMs: number) => void
}

export function toNodeListener(
  handle: Handle,
  { budget, expectsContinue, onShortTimeout }: NodeListenerOptions,
): NodeListener {
  let checked = false
  return async (req, res) => {
    if (!checked) {
      checked = true
      const timeoutMs = requestTimeoutOf(req)
      if (timeoutMs > 0) onShortTimeout(timeoutMs)
    }
    if (isQueued(res)) await turnOf(req, res)
    const sendContinue = expectsContinue ? () => res.writeContinue() : undefined
    const content = new NodeContent(req, budget, sendContinue)
    // Only who speaks a draft of the IETF's protocol can be told anything in between.
    const inform = 'upload-draft-interop-version' in req.headers ? informOf(req, res) : undefined
    const reply = await handle(new NodeExchange(req, content, inform))
    content.discard()
    if (reply.cut) cut(res)
    else await send({ req, res }, reply)
  }
}

/** Node dispatches pipelined requests at once; the answers to later ones have no socket yet. */
function isQueued(res: Response): boolean {
  return !('stream' in res) && res.socket === null && !res.destroyed
}

/** What one request changes the next has to find changed (RFC 9112, 9.3.2): it waits for its turn. */
async function turnOf(req: Request, res: Response): Promise<void> {
  await new Promise<void>((resolve) => {
    res.once('socket', resolve)
    req.once('close', resolve)
  })
}

/** Node sets `server` on the sockets of HTTP/1 servers; where it does not, nothing is known. */
function requestTimeoutOf(req: Request): number {
  const { server } = req.socket as { server?: { requestTimeout?: number } }
  return server?.requestTimeout ?? 0
}

interface Exchanged {
  readonly req: Request
  readonly res: Response
}

/** An answer to a request that is still sending ends its connection, but not before it is read. */
async function send({ req, res }: Exchanged, reply: Reply): Promise<void> {
  if (isGone(res) || res.headersSent) return
  const { status, headers, body } = reply
  const http2 = req.httpVersionMajor >= 2
  if (!http2 && (reply.close || !req.complete)) res.setHeader('Connection', 'close')
  for (const fields of headers) {
    for (const name in fields) res.setHeader(name, fields[name] as string)
  }
  if (body !== undefined) res.setHeader('Content-Length', Buffer.byteLength(body))
  else if (status !== 204) res.setHeader('Content-Length', 0)
  res.statusCode = status
  if (req.complete) {
    end(res, body)
    return
  }
  // While the rest is read and dropped the answer is already on its way.
  if (body !== undefined) (res as ServerResponse).write(body)
  else if ('flushHeaders' in res) res.flushHeaders()
  await drain(req)
  end(res, undefined)
  // Connections have their field; without a word a stream would stay open for what the client has.
  if ('stream' in res && !req.complete) res.stream?.close()
}

function cut(res: Response): void {
  if ('stream' in res) res.stream?.close(constants.NGHTTP2_CANCEL)
  else res.destroy()
}

function isGone(res: Response): boolean {
  return 'stream' in res ? (res.stream?.destroyed ?? true) : res.destroyed
}

function end(res: Response, body: string | undefined): void {
  if (body === undefined) res.end()
  else res.end(body)
}

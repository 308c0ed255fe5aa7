/** Answers requests on the connections of a `node:http` server, past its request and response objects. @module */
import { Server } from 'node:http'
import { Socket } from 'node:net'
import type { Handle } from '../http/exchange.ts'
import type { Logger } from '../logger.ts'
import { Http1Connection } from './http1-connection.ts'
import type { Http1Bodies } from './http1-content.ts'
import type { AttachedAnswer, Http1Service } from './http1-service.ts'

/** Whether a longer one is too long the parser of the server decides. */
const MAX_HEAD_BYTES = 16_384

/** Which requests of a server go to the app. */
export interface AttachOptions {
  /** Where uploads are created: this path and all below it are the app's. */
  readonly path: string
  /** Told of each answer of an attached connection, for an access log. Those of listeners are theirs to log. */
  readonly onAnswer?: (answer: AttachedAnswer) => void
}

/** What an attached app brings. */
export interface AttachedApp {
  readonly handle: Handle
  readonly bodies: Http1Bodies
  readonly logger: Logger
}

/** How `node:http` names the listener that hands connections to its parser. */
const PARSER = 'connectionListener'
/** And we ours: of two apps at one server the later one is asked first. */
const ATTACHED = 'attachedListener'

/** What Node keeps of its options. */
type Limits = Server & { readonly maxHeaderSize?: number }

/** @throws `TypeError` for what is no server of `node:http`, or a path that is none */
export function attach(server: Server, { path, onAnswer }: AttachOptions, app: AttachedApp): void {
  if (!(server instanceof Server)) throw new TypeError('attach: expected a server of node:http')
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    throw new TypeError(`attach: path must begin with /, got ${path}`)
  }
  const next = server.listeners('connection').find(({ name }) => [PARSER, ATTACHED].includes(name))
  if (!next) {
    app.logger.warn('attach: not possible with this server; its listeners answer all requests')
    return
  }
  const below = path.endsWith('/') ? path : `${path}/`
  const connections = new Set<Http1Connection>()
  const isClosing = closingOf(server)
  const service: Http1Service = {
    ...app,
    serves: (target) => target.startsWith(below) || target.split('?', 1)[0] === below.slice(0, -1),
    handOver: (socket) => next.call(server, socket),
    forget: (connection) => void connections.delete(connection),
    get maxHeadBytes() {
      return Math.min(MAX_HEAD_BYTES, (server as Limits).maxHeaderSize ?? MAX_HEAD_BYTES)
    },
    get headersTimeoutMs() {
      return server.headersTimeout
    },
    get keepAliveMs() {
      return server.keepAliveTimeout
    },
    get isClosing() {
      return isClosing()
    },
    onAnswer,
  }
  const accept = (socket: unknown): void => {
    if (isPlain(socket) && !hasOtherLimits(server)) {
      connections.add(new Http1Connection(socket, service))
    } else next.call(server, socket)
  }
  Object.defineProperty(accept, 'name', { value: ATTACHED })
  server.off('connection', next as () => void).on('connection', accept)
  closeWith(server, connections)
}

/** TLS reads and writes through another socket; and who watches a socket's silence means all of it. */
function isPlain(socket: unknown): socket is Socket {
  return socket instanceof Socket && !('encrypted' in socket) && !socket.timeout
}

/** They are for the parser to keep. */
function hasOtherLimits({ timeout, maxRequestsPerSocket, maxHeadersCount }: Server): boolean {
  return timeout > 0 || (maxRequestsPerSocket ?? 0) > 0 || maxHeadersCount !== null
}

/** Whether a server that was listening does so no more. One that never does gets its connections otherwise. */
function closingOf(server: Server): () => boolean {
  let listened = server.listening
  server.on('listening', () => {
    listened = true
  })
  return () => listened && !server.listening
}

/** What ends the connections of the server ends these as well; its `close` calls the first of the two. */
function closeWith(server: Server, connections: ReadonlySet<Http1Connection>): void {
  const { closeIdleConnections, closeAllConnections } = server
  server.closeIdleConnections = () => {
    for (const connection of connections) connection.closeIdle()
    closeIdleConnections.call(server)
  }
  server.closeAllConnections = () => {
    for (const connection of connections) connection.close()
    closeAllConnections.call(server)
  }
}

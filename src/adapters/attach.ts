/** Answers requests on the connections of a `node:http` server, past its request and response objects. @module */
import { Server } from 'node:http'
import { Socket } from 'node:net'
import type { Handle } from '../http/exchange.ts'
import type { Logger } from '../logger.ts'
import { type AttachedAnswer, Http1Connection, type Http1Service } from './http1-connection.ts'
import type { Http1Bodies } from './http1-content.ts'

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

/** The connections of a server that are not the parser's. */
export interface Attachment {
  /** Ends those that wait for a request; the others end with their answer. */
  close(): void
}

/** How `node:http` names the listener that hands connections to its parser. */
const PARSER = 'connectionListener'

/** @throws `TypeError` for what is no server of `node:http`, or a path that is none */
export function attach(server: Server, options: AttachOptions, app: AttachedApp): Attachment {
  const { path, onAnswer } = options
  if (!(server instanceof Server)) throw new TypeError('attach: expected a server of node:http')
  if (!/^\/[\x21-\x7e]*$/.test(path))
    throw new TypeError(`attach: path must begin with /, got ${path}`)
  const connections = new Set<Http1Connection>()
  let isClosing = false
  const parser = server.listeners('connection').find(({ name }) => name === PARSER)
  if (!parser) {
    app.logger.warn('attach: not possible with this server; its listeners answer all requests')
    return { close: () => undefined }
  }
  const below = path.endsWith('/') ? path : `${path}/`
  const service: Http1Service = {
    ...app,
    serves: (target) => target.startsWith(below) || target.split('?', 1)[0] === below.slice(0, -1),
    handOver: (socket) => parser.call(server, socket),
    forget: (connection) => void connections.delete(connection),
    get headersTimeoutMs() {
      return server.headersTimeout
    },
    get keepAliveMs() {
      return server.keepAliveTimeout
    },
    get isClosing() {
      return isClosing || !server.listening
    },
    onAnswer,
  }
  const accept = (socket: unknown): void => {
    if (!(socket instanceof Socket)) return void parser.call(server, socket)
    connections.add(new Http1Connection(socket, service))
  }
  server.off('connection', parser as () => void).on('connection', accept)
  return {
    close() {
      isClosing = true
      for (const connection of connections) connection.closeIdle()
    },
  }
}

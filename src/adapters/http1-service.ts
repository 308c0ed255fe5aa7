/** What the attached connections of a server share. @module */
import type { Socket } from 'node:net'
import type { Handle } from '../http/exchange.ts'
import type { Logger } from '../logger.ts'
import type { Http1Connection } from './http1-connection.ts'
import type { Http1Bodies } from './http1-content.ts'

export interface Http1Service {
  readonly handle: Handle
  readonly bodies: Http1Bodies
  readonly logger: Logger
  /** Whether requests to this target are ours. */
  serves(target: string): boolean
  /** Gives a socket to the parser of `node:http`. */
  handOver(socket: Socket): void
  /** The connection is over, or no longer ours. */
  forget(connection: Http1Connection): void
  readonly maxHeadBytes: number
  /** How long a connection may wait for its first request, and for the next. */
  readonly headersTimeoutMs: number
  readonly keepAliveMs: number
  /** Each answer is the last of its connection. */
  readonly isClosing: boolean
  readonly onAnswer: ((answer: AttachedAnswer) => void) | undefined
}

/** What {@link AttachOptions.onAnswer} is told. */
export interface AttachedAnswer {
  readonly method: string
  /** Path and query as the client sent them. */
  readonly target: string
  readonly status: number
  /** The client was still there, and the answer has been given to its connection. */
  readonly sent: boolean
  /** Of the body, that have arrived. */
  readonly bytes: number
  readonly ms: number
}

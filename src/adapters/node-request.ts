import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

/** A request of either protocol. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

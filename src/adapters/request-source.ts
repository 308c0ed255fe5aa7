/** The request as a source of pieces, whose buffers nobody else uses. @module */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { BodySource } from './body-buffer.ts'
import { releaseMemory } from './release-memory.ts'

export class RequestSource implements BodySource {
  readonly #req: IncomingMessage | Http2ServerRequest

  constructor(req: IncomingMessage | Http2ServerRequest) {
    this.#req = req
  }

  resume(): void {
    this.#req.resume()
  }

  pause(): void {
    this.#req.pause()
  }

  release(pieces: readonly Uint8Array[]): void {
    // Who else listens may have kept them.
    if (this.#req.listenerCount('data') === 1) releaseMemory(pieces)
  }
}

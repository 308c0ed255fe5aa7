/** The request as a source of pieces, whose buffers nobody else uses. @module */
import type { BodySource } from './body-buffer.ts'
import type { NodeRequest } from './node-request.ts'
import { releaseMemory } from './release-memory.ts'

export class RequestSource implements BodySource {
  readonly #req: NodeRequest

  constructor(req: NodeRequest) {
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

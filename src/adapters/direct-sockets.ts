/** Which bodies are read from their sockets, and the buffers for it. @module */
import type { IncomingMessage } from 'node:http'
import { BATCH_BYTES, PIECE_BYTES } from './body-buffer.ts'
import type { ByteBudget } from './byte-budget.ts'
import { DirectBody } from './direct-body.ts'
import type { DuplicateDescriptor } from './duplicate-descriptor.ts'
import type { NodeRequest } from './node-request.ts'

/** Room for a batch and for what the last read of it brings. */
const BUFFER_BYTES = BATCH_BYTES + PIECE_BYTES
/** More than a few are only in use when the disk is slow. */
const KEPT_BUFFERS = 8
/** A shorter body loses as much by the end of its connection as it gains. */
const LEAST_BYTES = 16 * 2 ** 20

/** A body that is read directly, until `close`. */
export interface OpenDirectBody {
  readonly body: DirectBody
  close(): void
}

export class DirectSockets {
  readonly #budget: ByteBudget
  readonly #duplicate: DuplicateDescriptor
  readonly #buffers: Uint8Array[] = []

  constructor(budget: ByteBudget, duplicate: DuplicateDescriptor) {
    this.#budget = budget
    this.#duplicate = duplicate
  }

  /** Whether it is worth it, and possible: HTTP/1 without TLS, and nobody watches the socket's silence. */
  suits(req: NodeRequest, left: number): req is IncomingMessage {
    return (
      left >= LEAST_BYTES &&
      req.httpVersionMajor === 1 &&
      !('encrypted' in req.socket) &&
      !req.socket.timeout &&
      descriptorOf(req) >= 0 &&
      !this.#budget.exhausted
    )
  }

  /**
   * Reads the `left` bytes of the body that are still to come, once nobody else reads any more;
   * `undefined` when there is no descriptor to be had.
   */
  open(req: IncomingMessage, left: number, onCut: () => void): OpenDirectBody | undefined {
    const fd = this.#duplicate(descriptorOf(req))
    if (fd < 0) return undefined
    const buffer = this.#buffers.pop() ?? new Uint8Array(BUFFER_BYTES)
    this.#budget.take(BUFFER_BYTES)
    const body = new DirectBody({ fd, left, buffer }, onCut)
    return {
      body,
      close: () => {
        body.close()
        this.#budget.give(BUFFER_BYTES)
        if (this.#buffers.length < KEPT_BUFFERS) this.#buffers.push(buffer)
      },
    }
  }
}

/** Undocumented, the only such thing here: where it is missing, the parser reads. */
function descriptorOf({ socket }: NodeRequest): number {
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null }
  return typeof handle?.fd === 'number' ? handle.fd : -1
}

/** Which bodies are read from the descriptors of their connections, and the buffers for it. @module */
import type { Socket } from 'node:net'
import { BATCH_BYTES, PIECE_BYTES } from './body-buffer.ts'
import type { ByteBudget } from './byte-budget.ts'
import { DirectBody } from './direct-body.ts'
import type { DuplicateDescriptor } from './duplicate-descriptor.ts'

/** Room for a batch and for what the last read of it brings. */
const BUFFER_BYTES = BATCH_BYTES + PIECE_BYTES
/** More than a few are only in use when the disk is slow. */
const KEPT_BUFFERS = 8
/** A shorter rest is not worth another descriptor. */
const LEAST_BYTES = 4 * 2 ** 20

/** A body that is read directly, until `close`: then the stream of the connection reads again. */
export interface OpenDirectBody {
  readonly body: DirectBody
  close(): void
}

/** What Node keeps of a connection. Undocumented, the only such thing here. */
interface StreamHandle {
  readonly fd: number
  readStart(): void
  readStop(): void
}

export class DirectSockets {
  readonly #budget: ByteBudget
  readonly #duplicate: DuplicateDescriptor
  readonly #buffers: Uint8Array[] = []

  constructor(budget: ByteBudget, duplicate: DuplicateDescriptor) {
    this.#budget = budget
    this.#duplicate = duplicate
  }

  /** Whether it is worth it for so many bytes. */
  suits(left: number): boolean {
    return left >= LEAST_BYTES && !this.#budget.exhausted
  }

  /**
   * Reads the `left` bytes of the body that are still to come, while the stream of the connection reads
   * nothing; `undefined` where that cannot be.
   */
  open(socket: Socket, left: number, onCut: () => void): OpenDirectBody | undefined {
    const handle = handleOf(socket)
    const fd = handle ? this.#duplicate(handle.fd) : -1
    if (!handle || fd < 0) return undefined
    handle.readStop()
    const buffer = this.#buffers.pop() ?? new Uint8Array(BUFFER_BYTES)
    this.#budget.take(BUFFER_BYTES)
    const body = new DirectBody({ fd, left, buffer }, onCut)
    return {
      body,
      close: () => {
        body.close()
        this.#budget.give(BUFFER_BYTES)
        if (this.#buffers.length < KEPT_BUFFERS) this.#buffers.push(buffer)
        if (!socket.destroyed) handle.readStart()
      },
    }
  }
}

/** Others, as that of TLS, have the descriptor of a socket whose bytes are not theirs. */
const HANDLES: ReadonlySet<unknown> = new Set(['TCP', 'Pipe'])

/** `undefined` where anything of it is not as it is known: then the stream reads. */
function handleOf(socket: Socket): StreamHandle | undefined {
  const { _handle: handle } = socket as { _handle?: Partial<StreamHandle> | null }
  const isKnown =
    HANDLES.has(handle?.constructor?.name) &&
    typeof handle?.fd === 'number' &&
    handle.fd >= 0 &&
    typeof handle.readStart === 'function' &&
    typeof handle.readStop === 'function'
  return isKnown ? (handle as StreamHandle) : undefined
}

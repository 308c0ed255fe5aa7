/** Turns from the stream of a connection to its descriptor and back, as fast as the sender is. @module */
import type { Socket } from 'node:net'
import type { UploadError } from '../errors.ts'
import type { Batch } from '../store/storage.ts'
import { BATCH_BYTES, type BodyBuffer } from './body-buffer.ts'
import { connectionReset } from './connection-reset.ts'
import type { DirectSockets, OpenDirectBody } from './direct-sockets.ts'

export interface DirectReaderOptions {
  readonly socket: Socket
  readonly sockets: DirectSockets
  /** Bytes of the body that have not arrived; whoever reads counts them down. */
  readonly left: { bytes: number }
  /** Called when the connection ends before the body does. */
  readonly onCut: () => void
}

export class DirectReader {
  readonly #options: DirectReaderOptions
  #open: OpenDirectBody | undefined
  /** The last batch was as large as batches get, or none has shown otherwise. */
  #isFast = true

  constructor(options: DirectReaderOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** A batch past the stream; none for a sender, or a connection, that is the stream's. */
  async read(buffer: BodyBuffer): Promise<Batch | undefined> {
    if (!this.#isFast) this.leave()
    const rest = this.#open || !this.#isFast ? undefined : await this.#take(buffer)
    if (rest || !this.#open) return rest
    buffer.giveBack()
    const batch = await this.#open.body.read()
    this.#options.left.bytes -= batch.byteLength
    this.judge(batch)
    if (batch.byteLength > 0) return batch
    this.leave()
    return undefined
  }

  /** By its last batch: a sender that fills them is fast. */
  judge({ byteLength }: Batch): void {
    this.#isFast = byteLength >= BATCH_BYTES
  }

  /** What comes now comes by the stream. */
  leave(): void {
    this.#open?.close()
    this.#open = undefined
  }

  fail(reason: unknown): void {
    this.#open?.body.fail(reason)
  }

  /** The stream has read all the same, between bytes that are here: those count no more. */
  lose(): UploadError {
    const reason = connectionReset()
    this.#open?.body.forget()
    this.fail(reason)
    return reason
  }

  /** Ends the stream's reading and begins with the descriptor's; gives what came until then. */
  async #take(buffer: BodyBuffer): Promise<Batch | undefined> {
    const { socket, sockets, left, onCut } = this.#options
    this.#isFast = false
    if (!sockets.suits(left.bytes)) return undefined
    buffer.unblock()
    await new Promise((resolve) => setImmediate(resolve))
    const holdsNothing = socket.readableFlowing === true && socket.readableLength === 0
    if (!buffer.settled && holdsNothing && sockets.suits(left.bytes)) {
      this.#open = sockets.open(socket, left.bytes, onCut)
      this.#isFast = this.isOpen
    }
    const rest = buffer.take()
    return rest.byteLength > 0 || rest.last ? rest : undefined
  }
}

/** Turns from the parser to the socket and back, as fast as the sender is. @module */
import type { UploadError } from '../errors.ts'
import type { Batch } from '../store/storage.ts'
import { BATCH_BYTES, type BodyBuffer } from './body-buffer.ts'
import { connectionReset } from './connection-reset.ts'
import type { DirectSockets, OpenDirectBody } from './direct-sockets.ts'
import type { NodeRequest } from './node-request.ts'

export interface DirectReaderOptions {
  readonly req: NodeRequest
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
  #wasOpen = false

  constructor(options: DirectReaderOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** All of the body has been read, though the parser has not seen it. */
  get hasRead(): boolean {
    return this.#wasOpen && this.#options.left.bytes === 0
  }

  /** A batch past the parser; none for a sender, or a connection, that is the parser's. */
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

  /** What comes now comes by the parser. It goes on to wait for bytes that it has never seen. */
  leave(): void {
    if (!this.#open) return
    this.#open.close()
    this.#open = undefined
    this.#options.req.socket.resume()
  }

  fail(reason: unknown): void {
    this.#open?.body.fail(reason)
  }

  /** The parser has read all the same, between bytes that are here: those count no more. */
  lose(): UploadError {
    const reason = connectionReset()
    this.#open?.body.forget()
    this.fail(reason)
    return reason
  }

  /**
   * Ends the parser's reading and begins with the socket's; gives what came until then. The parser
   * hands out what it reads within the turn, so between two turns it holds nothing back.
   */
  async #take(buffer: BodyBuffer): Promise<Batch | undefined> {
    const { req, sockets, left, onCut } = this.#options
    this.#isFast = false
    if (!sockets.suits(req, left.bytes)) return undefined
    buffer.unblock()
    await new Promise((resolve) => setImmediate(resolve))
    const holdsNothing = req.readableFlowing === true && req.readableLength === 0
    if (!buffer.settled && holdsNothing && sockets.suits(req, left.bytes)) {
      req.socket.pause()
      this.#open = sockets.open(req, left.bytes, onCut)
      if (!this.#open) req.socket.resume()
      this.#isFast = this.isOpen
      this.#wasOpen ||= this.isOpen
    }
    const rest = buffer.take()
    return rest.byteLength > 0 || rest.last ? rest : undefined
  }
}

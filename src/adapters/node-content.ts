/** The body of a `node:http` or `node:http2` request, straight from its socket. @module */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { UploadError } from '../errors.ts'
import type { Batch } from '../store/storage.ts'
import type { AppendContent } from '../upload/receive.ts'
import { BATCH_BYTES, BodyBuffer } from './body-buffer.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { DirectSockets, OpenDirectBody } from './direct-sockets.ts'
import { RequestSource } from './request-source.ts'

type Request = IncomingMessage | Http2ServerRequest

/** What the bodies of an app share. */
export interface NodeBodies {
  readonly budget: ByteBudget
  /** Where long bodies are read past the parser, if the application asked for it. */
  readonly direct?: DirectSockets | undefined
}

export class NodeContent implements AppendContent {
  readonly #req: Request
  readonly #bodies: NodeBodies
  readonly #continue: (() => void) | undefined
  readonly #left: { bytes: number } | undefined
  #buffer: BodyBuffer | undefined
  #direct: OpenDirectBody | undefined
  /** The last batch was as large as batches get, or none has shown otherwise. */
  #isFast = true
  #wasDirect = false

  /** `sendContinue` is given when the client waits for `100 Continue` before it sends the body. */
  constructor(req: Request, bodies: NodeBodies, sendContinue: (() => void) | undefined) {
    this.#req = req
    this.#bodies = bodies
    this.#continue = sendContinue
    const { 'content-length': length, trailer } = req.headers
    // Trailers come after the last byte: then it does not show the end.
    const counts = Number.isSafeInteger(Number(length)) && trailer === undefined
    this.#left = counts ? { bytes: Number(length) } : undefined
  }

  /** What the parser has in hand reaches us within this turn of the event loop. */
  async arrived(): Promise<boolean> {
    if (this.#continue) return false
    const buffer = this.#open()
    buffer.start()
    if (!buffer.ended) await new Promise((resolve) => setImmediate(resolve))
    return buffer.ended
  }

  /** All of the body has been read, though the parser has not seen it. */
  get isReadPastParser(): boolean {
    return this.#wasDirect && this.#left?.bytes === 0
  }

  async read(timeoutMs?: number): Promise<Batch> {
    const first = this.#buffer === undefined
    const buffer = this.#open()
    if (first) this.#continue?.()
    const direct = this.#bodies.direct ? await this.#readDirectly(buffer) : undefined
    if (direct) return direct
    const batch = await buffer.read(timeoutMs)
    this.#isFast = batch.byteLength >= BATCH_BYTES && !batch.last
    return batch
  }

  stop(reason: unknown): void {
    this.#open()
    this.#fail(reason)
  }

  trailer(name: string): string | undefined {
    const value = this.#req.trailers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** Drops what is still to come, for an answer that did not need it. */
  discard(): void {
    this.#leave()
    this.#req.off('data', this.#onData)
    this.#buffer?.close()
  }

  /** A batch past the parser, as long as the sender is fast enough for it. */
  async #readDirectly(buffer: BodyBuffer): Promise<Batch | undefined> {
    if (!this.#isFast) this.#leave()
    const rest = this.#direct || !this.#isFast ? undefined : await this.#goDirect(buffer)
    if (rest || !this.#direct) return rest
    buffer.giveBack()
    const batch = await this.#direct.body.read()
    if (this.#left) this.#left.bytes -= batch.byteLength
    this.#isFast = batch.byteLength >= BATCH_BYTES
    if (batch.byteLength > 0) return batch
    this.#leave()
    return undefined
  }

  /**
   * Ends the parser's reading and begins with the socket's; gives what came until then. The parser
   * hands out what it reads within the turn, so between two turns it holds nothing back.
   */
  async #goDirect(buffer: BodyBuffer): Promise<Batch | undefined> {
    const req = this.#req
    const { direct } = this.#bodies
    this.#isFast = false
    if (!direct?.suits(req, this.#left?.bytes ?? 0)) return undefined
    buffer.unblock()
    await new Promise((resolve) => setImmediate(resolve))
    const left = this.#left?.bytes ?? 0
    const holdsNothing = req.readableFlowing === true && req.readableLength === 0
    if (!buffer.settled && holdsNothing && direct.suits(req, left)) {
      req.socket.pause()
      this.#direct = direct.open(req, left, () => this.#fail(connectionReset()))
      if (!this.#direct) req.socket.resume()
      this.#isFast = this.#direct !== undefined
      this.#wasDirect ||= this.#isFast
    }
    const rest = buffer.take()
    return rest.byteLength > 0 || rest.last ? rest : undefined
  }

  /** What comes now comes by the parser. It goes on to wait for bytes that it has never seen. */
  #leave(): void {
    if (!this.#direct) return
    this.#direct.close()
    this.#direct = undefined
    this.#req.socket.resume()
  }

  #fail(reason: unknown): void {
    this.#direct?.body.fail(reason)
    this.#buffer?.fail(reason)
  }

  readonly #onData = (piece: Uint8Array): void => {
    if (this.#direct) {
      // This must not be: it came between bytes that are in the other buffer.
      this.#direct.body.forget()
      this.#fail(connectionReset())
      return
    }
    this.#buffer?.push(piece)
    if (!this.#left) return
    this.#left.bytes -= piece.byteLength
    if (this.#left.bytes === 0) this.#buffer?.end()
  }

  #open(): BodyBuffer {
    if (this.#buffer) return this.#buffer
    const req = this.#req
    const buffer = new BodyBuffer(new RequestSource(req), this.#bodies.budget)
    this.#buffer = buffer
    // Of a body that was begun nobody knows what is missing: the rest would lie at the wrong place.
    if (req.readableDidRead) buffer.fail(consumed())
    // A stream of HTTP/2 that broke off before anybody read looks as if it had come to its end.
    else if (req.aborted) buffer.fail(connectionReset())
    else if (req.readableEnded) buffer.end()
    if (req.readableDidRead || req.aborted || req.readableEnded) return buffer
    const cut = (): void => {
      if (!buffer.settled) this.#fail(connectionReset())
    }
    req.on('data', this.#onData)
    req.on('end', () => buffer.end())
    req.on('aborted', cut).on('error', cut).on('close', cut)
    if (req.destroyed) cut()
    return buffer
  }
}

function consumed(): UploadError {
  return new UploadError(
    'ERR_BODY_CONSUMED',
    'something read the request body before tussi could: mount it before body parsers, or exclude ' +
      'its route from them',
  )
}

function connectionReset(): UploadError {
  return new UploadError('ERR_CONNECTION_RESET', 'the connection ended before the body did')
}

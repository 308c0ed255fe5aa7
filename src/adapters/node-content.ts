/** The body of a `node:http` or `node:http2` request, straight from its socket. @module */
import { UploadError } from '../errors.ts'
import type { Batch } from '../store/storage.ts'
import type { AppendContent } from '../upload/receive.ts'
import { BodyBuffer } from './body-buffer.ts'
import type { ByteBudget } from './byte-budget.ts'
import { connectionReset } from './connection-reset.ts'
import type { NodeRequest } from './node-request.ts'
import { RequestSource } from './request-source.ts'

export class NodeContent implements AppendContent {
  readonly #req: NodeRequest
  readonly #budget: ByteBudget
  readonly #continue: (() => void) | undefined
  readonly #left: { bytes: number } | undefined
  #buffer: BodyBuffer | undefined

  /** `sendContinue` is given when the client waits for `100 Continue` before it sends the body. */
  constructor(req: NodeRequest, budget: ByteBudget, sendContinue: (() => void) | undefined) {
    this.#req = req
    this.#budget = budget
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

  async read(timeoutMs?: number): Promise<Batch> {
    const first = this.#buffer === undefined
    const buffer = this.#open()
    if (first) this.#continue?.()
    return buffer.read(timeoutMs)
  }

  stop(reason: unknown): void {
    this.#open().fail(reason)
  }

  trailer(name: string): string | undefined {
    const value = this.#req.trailers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** Drops what is still to come, for an answer that did not need it. */
  discard(): void {
    this.#req.off('data', this.#onData)
    this.#buffer?.close()
  }

  readonly #onData = (piece: Uint8Array): void => {
    this.#buffer?.push(piece)
    if (!this.#left) return
    this.#left.bytes -= piece.byteLength
    if (this.#left.bytes === 0) this.#buffer?.end()
  }

  #open(): BodyBuffer {
    if (this.#buffer) return this.#buffer
    const req = this.#req
    const buffer = new BodyBuffer(new RequestSource(req), this.#budget)
    this.#buffer = buffer
    // Of a body that was begun nobody knows what is missing: the rest would lie at the wrong place.
    if (req.readableDidRead) buffer.fail(consumed())
    // A stream of HTTP/2 that broke off before anybody read looks as if it had come to its end.
    else if (req.aborted) buffer.fail(connectionReset())
    else if (req.readableEnded) buffer.end()
    if (req.readableDidRead || req.aborted || req.readableEnded) return buffer
    const cut = (): void => {
      if (!buffer.settled) buffer.fail(connectionReset())
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

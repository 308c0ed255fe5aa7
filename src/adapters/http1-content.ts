/** The body of a request whose head was read here: so many bytes of its connection. @module */
import type { Socket } from 'node:net'
import type { Batch } from '../store/storage.ts'
import type { AppendContent } from '../upload/receive.ts'
import { BodyBuffer, PIECE_BYTES } from './body-buffer.ts'
import type { ByteBudget } from './byte-budget.ts'
import { connectionReset } from './connection-reset.ts'
import { DirectReader } from './direct-reader.ts'
import type { DirectSockets } from './direct-sockets.ts'
import { MAX_DRAINED_BYTES, MAX_DRAINED_MS } from './drain.ts'
import { releaseMemory } from './release-memory.ts'

/** What the bodies of an app share. */
export interface Http1Bodies {
  readonly budget: ByteBudget
  readonly direct: DirectSockets | undefined
}

export class Http1Content implements AppendContent {
  readonly #socket: Socket
  readonly #budget: ByteBudget
  /** Bytes that have not arrived. */
  readonly #left: { bytes: number }
  /** Where the platform has it. */
  readonly #direct: DirectReader | undefined
  /** What came with the head: its buffer holds nothing else that anybody needs. */
  #owner: Uint8Array | undefined
  /** What arrived before anybody read; after it the sender has to wait. */
  #first: Uint8Array | undefined
  #failure: { reason: unknown } | undefined
  #buffer: BodyBuffer | undefined
  /** There is nothing to come. */
  #hasEnded = false
  #discarded = false
  #dropped = 0
  #onDrained: (() => void) | undefined

  constructor(socket: Socket, bytes: number, { budget, direct: sockets }: Http1Bodies) {
    this.#socket = socket
    this.#budget = budget
    const left = { bytes }
    this.#left = left
    if (!sockets?.suits(bytes)) return
    this.#direct = new DirectReader({
      socket,
      sockets,
      left,
      onCut: () => this.fail(connectionReset()),
    })
  }

  /** Of the body, still to come. */
  get bytesLeft(): number {
    return this.#left.bytes
  }

  /** Takes its part of what has arrived, and gives back what belongs to the next request. */
  push(chunk: Buffer): Buffer | undefined {
    const own = chunk.byteLength > this.#left.bytes ? chunk.subarray(0, this.#left.bytes) : chunk
    this.#left.bytes -= own.byteLength
    if (own.byteLength > 0) this.#take(own)
    return own === chunk ? undefined : chunk.subarray(own.byteLength)
  }

  /** The connection has ended. */
  fail(reason: unknown): void {
    if (this.#left.bytes === 0) return
    this.#hasEnded = true
    this.stop(reason)
    this.#onDrained?.()
  }

  stop(reason: unknown): void {
    if (this.#left.bytes === 0) return
    this.#failure ??= { reason }
    this.#direct?.fail(reason)
    this.#buffer?.fail(reason)
  }

  /** What the kernel has in hand reaches us within this turn of the event loop. */
  arrived(): boolean | Promise<boolean> {
    if (this.#left.bytes === 0) return true
    // It will not all come within the turn; unread, the rest can be read directly.
    return this.#left.bytes <= PIECE_BYTES && this.#arrived()
  }

  async #arrived(): Promise<boolean> {
    const buffer = this.#open()
    buffer.start()
    await new Promise((resolve) => setImmediate(resolve))
    return buffer.ended
  }

  async read(timeoutMs?: number): Promise<Batch> {
    if (this.#buffer || this.#left.bytes > 0) return this.#readOn(this.#open(), timeoutMs)
    const pieces = this.#first ? [this.#first] : []
    const byteLength = this.#first?.byteLength ?? 0
    this.#first = undefined
    return { pieces, byteLength, last: true }
  }

  async #readOn(buffer: BodyBuffer, timeoutMs: number | undefined): Promise<Batch> {
    const direct = this.#direct && (await this.#direct.read(buffer))
    if (direct) return direct
    const batch = await buffer.read(timeoutMs)
    this.#direct?.judge(batch)
    return batch
  }

  /** Nobody reads any more. */
  discard(): void {
    this.#direct?.leave()
    this.#discarded = true
    this.#first = undefined
    this.#buffer?.close()
  }

  /**
   * Reads and drops the rest, within bounds. A socket that is closed while unread bytes lie in it
   * resets the connection, and the reset can overtake the answer.
   */
  async drain(): Promise<void> {
    this.#socket.resume()
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, MAX_DRAINED_MS)
      this.#onDrained = resolve
      if (this.#hasEnded) resolve()
    })
    clearTimeout(timer)
  }

  #take(piece: Uint8Array): void {
    if (this.#discarded) {
      this.#dropped += piece.byteLength
      if (this.#left.bytes === 0 || this.#dropped > MAX_DRAINED_BYTES) this.#onDrained?.()
    } else if (this.#buffer) {
      if (this.#direct?.isOpen) this.#buffer.fail(this.#direct.lose())
      this.#buffer.push(piece)
      if (this.#left.bytes === 0) this.#buffer.end()
    } else {
      this.#owner = this.#first ? undefined : piece
      this.#first = this.#first ? Buffer.concat([this.#first, piece]) : piece
      if (this.#left.bytes > 0) this.#socket.pause()
    }
  }

  #open(): BodyBuffer {
    if (this.#buffer) return this.#buffer
    const socket = this.#socket
    const source = {
      resume: () => void socket.resume(),
      pause: () => void socket.pause(),
      release: (pieces: readonly Uint8Array[]) => {
        // Who else listens may have kept them.
        if (socket.listenerCount('data') === 1) releaseMemory(pieces, this.#owner)
        this.#owner = undefined
      },
    }
    const buffer = new BodyBuffer(source, this.#budget)
    this.#buffer = buffer
    if (this.#first) buffer.push(this.#first)
    this.#first = undefined
    if (this.#failure) buffer.fail(this.#failure.reason)
    else if (this.#left.bytes === 0) buffer.end()
    return buffer
  }
}

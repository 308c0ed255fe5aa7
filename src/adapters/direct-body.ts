/**
 * The rest of a body, read from its socket into one buffer that is used again and again, past the HTTP
 * parser, which copies every piece into a buffer of its own.
 *
 * @module
 */
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Batch } from '../store/storage.ts'
import { BATCH_BYTES, MAX_WAIT_MS, PAUSE_MS } from './body-buffer.ts'

/** What is read, and into what. */
export interface DirectSource {
  /** A descriptor of the connection, closed here. */
  readonly fd: number
  /** Bytes of the body that are still to come. */
  readonly left: number
  readonly buffer: Uint8Array
}

interface Reader {
  readonly resolve: (batch: Batch) => void
  readonly reject: (reason: unknown) => void
}

export class DirectBody {
  readonly #fd: number
  readonly #onCut: () => void
  readonly #buffer: Uint8Array
  #socket: Socket | undefined
  /** Bytes that have not arrived. */
  #left: number
  #filled = 0
  #failure: { reason: unknown } | undefined
  #reader: Reader | undefined
  #timer: NodeJS.Timeout | undefined
  #since = 0

  /** `onCut` is called when the connection ends before the body does. */
  constructor({ fd, left, buffer }: DirectSource, onCut: () => void) {
    this.#fd = fd
    this.#left = left
    this.#buffer = buffer
    this.#onCut = onCut
  }

  /**
   * The next batch. To read on means that the batch before has been written: its bytes are gone. After
   * one that has not filled the buffer there must be no next one, for the socket knows an old place in it.
   */
  read(): Promise<Batch> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      if (this.#failure) return this.#handOut()
      this.#since = performance.now()
      this.#timer = setTimeout(() => this.#handOut(), PAUSE_MS)
      this.#socket ??= this.#open()
      this.#socket.resume()
    })
  }

  /** What arrived before is handed out first. */
  fail(reason: unknown): void {
    if (this.#failure || this.#left === 0) return
    this.#failure = { reason }
    if (this.#reader) this.#handOut()
  }

  /** Drops what arrived and was not handed out. */
  forget(): void {
    this.#filled = 0
  }

  /** Lets go of the buffer; the connection stays. */
  close(): void {
    clearTimeout(this.#timer)
    if (this.#socket) this.#socket.destroy()
    else closeSync(this.#fd)
  }

  #open(): Socket {
    const onread = { buffer: () => this.#room(), callback: (bytes: number) => this.#take(bytes) }
    // Not writable, and open for the answer when the client has sent its end.
    const options = { fd: this.#fd, onread, readable: true, writable: false, allowHalfOpen: true }
    return new Socket(options).on('error', this.#onCut).on('end', this.#onCut)
  }

  /** A batch is whole: to read into what is left of the buffer would cost as much as into all of it. */
  get #isFull(): boolean {
    return this.#left === 0 || this.#filled >= BATCH_BYTES
  }

  /** Nothing is read beyond the body. */
  #room(): Uint8Array {
    return this.#buffer.subarray(this.#filled, this.#filled + this.#left)
  }

  /** Says whether to go on reading. */
  #take(bytes: number): boolean {
    this.#filled += bytes
    this.#left -= bytes
    if (this.#failure) return false
    if (this.#isFull || performance.now() - this.#since >= MAX_WAIT_MS) {
      this.#handOut()
      return false
    }
    this.#timer?.refresh()
    return true
  }

  #handOut(): void {
    const reader = this.#reader
    this.#reader = undefined
    clearTimeout(this.#timer)
    const byteLength = this.#filled
    if (byteLength === 0 && this.#failure) {
      reader?.reject(this.#failure.reason)
      return
    }
    const pieces = byteLength === 0 ? [] : [this.#buffer.subarray(0, byteLength)]
    this.#filled = 0
    this.#socket?.pause()
    reader?.resolve({ pieces, byteLength, last: this.#left === 0 })
  }
}

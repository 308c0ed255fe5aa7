/**
 * Gathers the pieces of a request body into batches, in the buffers that they came in. Small writes
 * cost the same system call as large ones, so a batch waits until it is worth one, or until the
 * sender pauses: a stalled upload keeps nothing in memory.
 *
 * @module
 */
import type { Batch } from '../store/storage.ts'
import type { ByteBudget } from './byte-budget.ts'

/** A socket brings as much as this at a time. */
export const PIECE_BYTES: number = 64 * 1024
/**
 * Of this much a batch is handed out, and the sender has to wait: none is larger than 2 MiB. Measured:
 * batches of 1 MiB reach 0.9 of the speed, of 256 KiB 0.7.
 */
export const BATCH_BYTES: number = 2 * 2 ** 20 - PIECE_BYTES
export const PAUSE_MS = 50
/** A sender that never pauses and never fills a batch shall not lose more by a crash than others. */
export const MAX_WAIT_MS = 250
/** A piece keeps the whole buffer alive that its socket filled; of small ones that is too much. */
const SMALL_BYTES = 1024
const BLOCK_BYTES = 16 * 1024
const NO_BLOCK = new Uint8Array(0)

/** Where the pieces come from. */
export interface BodySource {
  /** Starts or goes on. */
  resume(): void
  pause(): void
  /** Told what has been written, if the source may have the buffers back. */
  release?(pieces: readonly Uint8Array[]): void
}

interface Reader {
  readonly resolve: (batch: Batch) => void
  readonly reject: (reason: unknown) => void
}

export class BodyBuffer {
  readonly #source: BodySource
  readonly #budget: ByteBudget
  #pieces: Uint8Array[] = []
  #bytes = 0
  #ended = false
  #failure: { reason: unknown } | undefined
  #reader: Reader | undefined
  #timer: NodeJS.Timeout | undefined
  #flowing = false
  #pushed = 0
  /** What was handed out and is not yet known to be written. */
  #handedOut: Batch | undefined
  #waitsForRoom = false
  #unblocked = false
  #block = NO_BLOCK
  #blockPiece: Uint8Array | undefined

  constructor(source: BodySource, budget: ByteBudget) {
    this.#source = source
    this.#budget = budget
  }

  get ended(): boolean {
    return this.#ended
  }

  /** It has ended, or failed: nothing more is taken. */
  get settled(): boolean {
    return this.#ended || this.#failure !== undefined
  }

  push(piece: Uint8Array): void {
    if (this.#failure) return
    if (piece.byteLength < SMALL_BYTES) this.#copy(piece)
    else this.#pieces.push(piece)
    this.#bytes += piece.byteLength
    this.#budget.take(piece.byteLength)
    this.#pushed++
    if (this.#reader) {
      if (this.#bytes >= BATCH_BYTES) this.#handOut()
      else if (this.#bytes === piece.byteLength) this.#awaitPause()
    } else if (this.#bytes >= BATCH_BYTES) this.#pause()
    if (!this.#budget.exhausted) return
    this.#pause()
    // What is written gives room.
    if (this.#reader) this.#handOut()
  }

  end(): void {
    if (this.#failure) return
    this.#ended = true
    if (this.#reader) this.#handOut()
  }

  /** What arrived before is handed out first. */
  fail(reason: unknown): void {
    if (this.settled) return
    this.#failure = { reason }
    if (this.#reader) this.#handOut()
  }

  /** To read on means that the batch before has been written. */
  read(timeoutMs?: number): Promise<Batch> {
    this.giveBack()
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      const enough = this.#bytes >= (this.#budget.exhausted ? 1 : BATCH_BYTES)
      if (this.#ended || this.#failure || enough) return this.#handOut()
      this.start()
      if (this.#bytes > 0) this.#awaitPause()
      else if (timeoutMs !== undefined) {
        this.#timer = setTimeout(() => this.#handOut(), timeoutMs)
      }
    })
  }

  start(): void {
    if (this.#flowing || this.#waitsForRoom) return
    if (this.#budget.exhausted) {
      this.#waitsForRoom = true
      this.#budget.whenRoom(() => {
        this.#waitsForRoom = false
        if (!this.#ended && !this.#failure) this.start()
      })
      return
    }
    this.#flowing = true
    this.#source.resume()
  }

  /** Pauses the source no more: who takes it over needs all that it holds. */
  unblock(): void {
    this.#unblocked = true
    this.start()
  }

  /** What is there, at once; from now on the source is paused as ever. */
  take(): Batch {
    this.#unblocked = false
    this.giveBack()
    return this.#batch()
  }

  /** What was handed out has been written. */
  giveBack(): void {
    const batch = this.#handedOut
    this.#handedOut = undefined
    if (!batch) return
    this.#source.release?.(batch.pieces)
    this.#budget.give(batch.byteLength)
  }

  /** Lets go of everything; what still arrives is dropped. */
  close(): void {
    // Every request comes here: an error costs more than all else.
    if (!this.settled) this.fail(new Error('closed'))
    // Whether it was written nobody says any more: its memory is the collector's.
    this.#budget.give((this.#handedOut?.byteLength ?? 0) + this.#bytes)
    this.#handedOut = undefined
    this.#pieces = []
    this.#bytes = 0
  }

  /** Appends to the last piece while that is a block of ours with room. */
  #copy(piece: Uint8Array): void {
    const last = this.#pieces.at(-1)
    const used = last !== undefined && last === this.#blockPiece ? last.byteLength : BLOCK_BYTES
    const fits = used + piece.byteLength <= BLOCK_BYTES
    if (fits) this.#pieces.pop()
    else this.#block = new Uint8Array(BLOCK_BYTES)
    const start = fits ? used : 0
    this.#block.set(piece, start)
    this.#blockPiece = this.#block.subarray(0, start + piece.byteLength)
    this.#pieces.push(this.#blockPiece)
  }

  #pause(): void {
    if (!this.#flowing || this.#unblocked) return
    this.#flowing = false
    this.#source.pause()
  }

  #awaitPause(waitedMs = PAUSE_MS): void {
    const seen = this.#pushed
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (this.#pushed === seen || waitedMs >= MAX_WAIT_MS) this.#handOut()
      else this.#awaitPause(waitedMs + PAUSE_MS)
    }, PAUSE_MS)
  }

  #handOut(): void {
    const reader = this.#reader
    this.#reader = undefined
    clearTimeout(this.#timer)
    if (this.#bytes === 0 && this.#failure) {
      reader?.reject(this.#failure.reason)
      return
    }
    const batch = this.#batch()
    // The next batch is gathered while this one is written.
    if (!this.#ended && !this.#failure) this.start()
    reader?.resolve(batch)
  }

  #batch(): Batch {
    const batch = { pieces: this.#pieces, byteLength: this.#bytes, last: this.#ended }
    this.#handedOut = batch
    this.#pieces = []
    this.#bytes = 0
    // Nothing is added to what was handed out.
    this.#block = NO_BLOCK
    this.#blockPiece = undefined
    return batch
  }
}

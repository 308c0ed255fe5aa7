/**
 * Uploads in memory: the shortest thing that keeps the contract of a storage, for tests and as the
 * reference for other back ends. Nothing here survives the process. @module
 */
import { totalmem } from 'node:os'
import { UploadError } from '../../errors.ts'
import type {
  AppendRequest,
  AppendResult,
  Batch,
  Concatenation,
  FirstContent,
  NewUpload,
  Storage,
  StoredEntry,
  TerminateRequest,
} from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import { checkFinalLength, isForQueue, isPartial, type UploadNotes } from '../upload-notes.ts'
import { MemoryQueue } from './memory-queue.ts'
import {
  appendBatch,
  checkComplete,
  compareOffset,
  describeUpload,
  type Ending,
  type Entry,
  isGrowing,
  open,
  reserve,
  withExpiry,
} from './memory-upload.ts'

/** How much a memory storage holds. */
export interface MemoryStorageOptions {
  /** Bytes that all unfinished uploads together may reserve. @defaultValue the machine's memory */
  readonly capacity?: number
}

/**
 * A {@link Storage} that keeps everything in memory and gives the same answers as a durable one.
 *
 * @example
 * ```ts
 * import { TusApp } from 'tussi'
 * import { MemoryStorage } from 'tussi/memory'
 *
 * const tus = new TusApp({ storage: new MemoryStorage(), completedDir: './completed' })
 * ```
 */
export class MemoryStorage implements Storage {
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  readonly #queues = new Map<string, MemoryQueue>()
  /** Final uploads by the parts that they wait for. */
  readonly #wanted = new Map<string, Set<string>>()
  readonly concatenation: Concatenation = {
    concat: async (id, { completedDir, signal }) => {
      signal.throwIfAborted()
      return this.#concat(id, completedDir)
    },
    want: async (id, parts) => {
      for (const part of parts) {
        this.#wanted.set(part, (this.#wanted.get(part) ?? new Set()).add(id))
      }
    },
    unwant: async (id, part) => void this.#wanted.get(part)?.delete(id),
    wantedBy: async (part) => [...(this.#wanted.get(part) ?? [])],
  }

  /** @throws `TypeError` when `capacity` is no non-negative number */
  constructor({ capacity = totalmem() }: MemoryStorageOptions = {}) {
    if (!(capacity >= 0)) throw new TypeError(`capacity must not be negative, it is ${capacity}`)
    this.#capacity = capacity
  }

  async create(upload: NewUpload, first?: FirstContent): Promise<StoredUpload> {
    if (this.#entries.has(upload.id)) throw new UploadError('ERR_UPLOAD_EXISTS', upload.id)
    if ((upload.length ?? 0) > (await this.freeSpace())) {
      throw new UploadError('ERR_INSUFFICIENT_STORAGE', `no room for ${upload.length} bytes`)
    }
    const { id: uploadId, notes = {}, quota, reserved, ...more } = upload
    const { complete = upload.length === 0, ...given } = more
    const now = new Date()
    const state = complete ? 'sealed' : 'receiving'
    const stored = { ...given, uploadId, offset: 0, state, createdAt: now, lastWrite: now } as const
    const entry: Entry = { upload: withExpiry({ ...stored, notes }), pieces: [] }
    const bytes = Buffer.concat(first?.pieces ?? [])
    this.#reserve(entry, reserved ?? upload.length ?? bytes.byteLength, quota)
    if (first) {
      if (first.complete) checkComplete(entry.upload, bytes.byteLength)
      appendBatch(entry, 0, bytes, first.maxSize)
    }
    this.#entries.set(uploadId, entry)
    return first ? this.#settle(entry, first) : entry.upload
  }

  async info(id: string): Promise<StoredUpload> {
    return this.#entry(id).upload
  }

  async append(id: string, request: AppendRequest): Promise<AppendResult> {
    const entry = this.#entry(id)
    const { length } = entry.upload
    open(entry, request, (bytes) => this.#reserve(entry, bytes, request.quota))
    const failure = await this.#receive(id, entry, request)
    if ('contentError' in failure && request.atomic) entry.upload = { ...entry.upload, length }
    const cut = 'contentError' in failure && request.complete !== undefined
    return { upload: cut ? entry.upload : await this.#settle(entry, request), ...failure }
  }

  /** What becomes of an upload that is complete. */
  async #settle(entry: Entry, ending: Ending): Promise<StoredUpload> {
    const { upload } = entry
    const { completedDir, seal = false, complete = upload.offset === upload.length } = ending
    if (!complete || upload.state !== 'receiving') return upload
    entry.upload = withExpiry({ ...upload, length: upload.offset, state: 'sealed' })
    if (isPartial(upload.notes)) return entry.upload
    const gated = seal || upload.notes.gated === true
    if (gated) await this.note(upload.uploadId, { gated })
    else await this.finalize(upload.uploadId, completedDir)
    return gated ? entry.upload : { ...entry.upload, state: 'completed' }
  }

  async #receive(
    id: string,
    entry: Entry,
    { offset, content, atomic, onOffset, maxSize, quota, complete }: AppendRequest,
  ): Promise<{ readonly contentError?: unknown }> {
    const held: Uint8Array[] = []
    for (let at = offset; ; ) {
      let batch: Batch
      try {
        batch = await content.read()
      } catch (contentError) {
        return { contentError }
      }
      try {
        this.#entry(id) // finished or deleted meanwhile?
        if (atomic) held.push(Buffer.concat(batch.pieces))
        if (atomic && !batch.last) continue
        const bytes = Buffer.concat(atomic ? held : batch.pieces)
        compareOffset(entry.upload, at)
        const end = at + bytes.byteLength
        if (batch.last && complete) checkComplete(entry.upload, end)
        if (isGrowing(entry, end)) this.#reserve(entry, end, quota)
        at = appendBatch(entry, at, bytes, maxSize)
      } catch (refusal) {
        if (at === offset) throw refusal
        return { contentError: refusal }
      }
      if (batch.last) return {}
      onOffset?.(at)
    }
  }

  async #concat(id: string, completedDir: string): Promise<StoredUpload> {
    const entry = this.#entry(id)
    const { upload } = entry
    const ids = upload.notes.concat?.parts ?? []
    if (!ids.every((part) => this.#isSealed(part))) {
      throw new UploadError('ERR_INVALID_CONCAT', 'a part is not there, or not complete')
    }
    const pieces = ids.flatMap((part) => this.#entries.get(part)?.pieces ?? [])
    const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
    checkFinalLength(length, upload.notes)
    entry.pieces.push(...pieces)
    entry.upload = withExpiry({ ...upload, length, offset: length, lastWrite: new Date() })
    return this.#settle(entry, { completedDir, seal: upload.notes.gated ?? false })
  }

  async finalize(id: string, completedDir: string, notes: UploadNotes = {}): Promise<boolean> {
    const queue = this.openQueue(completedDir)
    if (queue.has(id)) return false
    const { upload, pieces } = this.#entry(id)
    const noted = { ...upload.notes, ...notes }
    if (upload.state !== 'sealed' || !isForQueue(noted)) {
      throw new UploadError('ERR_MISMATCHED_OFFSET', 'the upload is not one for the queue', {
        offset: upload.offset,
      })
    }
    this.#entries.delete(id)
    queue.enqueue({ ...upload, notes: noted, state: 'completed' }, pieces)
    return true
  }

  async note(id: string, notes: UploadNotes): Promise<void> {
    const entry = this.#entry(id)
    entry.upload = withExpiry({ ...entry.upload, notes: { ...entry.upload.notes, ...notes } })
  }

  async read(id: string, position: number, length: number): Promise<Uint8Array> {
    return Buffer.concat(this.#entry(id).pieces).subarray(position, position + length)
  }

  async terminate(id: string, how: TerminateRequest): Promise<void> {
    const queue = this.openQueue(how.completedDir)
    if (queue.has(id)) return queue.terminate(id, how)
    const { upload } = this.#entry(id)
    this.#entries.delete(id)
    queue.remember(upload, how)
  }

  async *list(): AsyncIterable<StoredUpload> {
    for (const { upload } of this.#entries.values()) yield upload
  }

  async freeSpace(): Promise<number> {
    let reserved = 0
    for (const { upload } of this.#entries.values()) reserved += upload.length ?? upload.offset
    return Math.max(0, this.#capacity - reserved)
  }

  openQueue(completedDir: string): MemoryQueue {
    const queue = this.#queues.get(completedDir) ?? new MemoryQueue(completedDir)
    this.#queues.set(completedDir, queue)
    return queue
  }

  async *entries(completedDir: string): AsyncIterable<StoredEntry> {
    for (const { upload } of this.#entries.values()) {
      const parts = upload.state === 'receiving' ? upload.notes.concat?.parts : undefined
      const assemblable = parts?.every((part) => this.#isSealed(part)) ?? false
      yield { ...describeUpload(upload), ...(assemblable && { assemblable }) }
    }
    yield* this.openQueue(completedDir).entries()
  }

  async discard(entry: StoredEntry, completedDir: string): Promise<boolean> {
    const queue = this.openQueue(completedDir)
    if (entry.kind !== 'upload') return queue.discard(entry)
    const upload = this.#entries.get(entry.id)?.upload
    if (upload?.lastWrite.getTime() !== entry.lastActivityMs) return false
    queue.remember(upload, { completedDir, end: entry.refused ? 'refused' : 'expired' })
    return this.#entries.delete(entry.id)
  }

  async bury(entry: StoredEntry, completedDir: string, reason: string): Promise<boolean> {
    return this.openQueue(completedDir).bury(entry, reason)
  }

  /** There is nothing to let go of. */
  async close(): Promise<void> {}

  #isSealed(id: string): boolean {
    return this.#entries.get(id)?.upload.state === 'sealed'
  }

  /** Counts it within the quota of its owner. */
  #reserve(entry: Entry, bytes: number, limit: number | undefined): void {
    if (limit !== undefined) reserve(this.#entries.values(), entry, { bytes, limit })
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (!entry) throw new UploadError('ERR_UPLOAD_NOT_FOUND', `there is no unfinished upload ${id}`)
    return entry
  }
}

/**
 * Uploads in memory: the shortest thing that keeps the contract of a storage, for tests and as the
 * reference for other back ends. Nothing here survives the process.
 *
 * @module
 */
import { totalmem } from 'node:os'
import { UploadError } from '../../errors.ts'
import type {
  AppendRequest,
  AppendResult,
  Batch,
  NewUpload,
  Storage,
  StoredEntry,
} from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import { MemoryQueue } from './memory-queue.ts'

/** How much a memory storage holds. */
export interface MemoryStorageOptions {
  /** Bytes that all unfinished uploads together may reserve. @defaultValue the machine's memory */
  readonly capacity?: number
}

interface Entry {
  upload: StoredUpload
  readonly pieces: Uint8Array[]
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

  /** @throws `TypeError` when `capacity` is no non-negative number */
  constructor({ capacity = totalmem() }: MemoryStorageOptions = {}) {
    if (!(capacity >= 0)) throw new TypeError(`capacity must not be negative, it is ${capacity}`)
    this.#capacity = capacity
  }

  async create(upload: NewUpload): Promise<StoredUpload> {
    if (this.#entries.has(upload.id)) throw new UploadError('ERR_UPLOAD_EXISTS', upload.id)
    if ((upload.length ?? 0) > (await this.freeSpace())) {
      throw new UploadError('ERR_INSUFFICIENT_STORAGE', `no room for ${upload.length} bytes`)
    }
    const { id: uploadId, ...given } = upload
    const now = new Date()
    const state = given.length === 0 ? 'sealed' : 'receiving'
    const stored = { ...given, uploadId, offset: 0, state, createdAt: now, lastWrite: now } as const
    this.#entries.set(uploadId, { upload: stored, pieces: [] })
    return stored
  }

  async info(id: string): Promise<StoredUpload> {
    return this.#entry(id).upload
  }

  async append(id: string, request: AppendRequest): Promise<AppendResult> {
    const entry = this.#entry(id)
    try {
      const failure = await this.#appendAll(id, entry, request)
      return { upload: describeAfterwards(entry.upload), ...failure }
    } finally {
      if (this.#entries.has(id) && isAtLength(entry.upload)) {
        await this.finalize(id, request.completedDir)
      }
    }
  }

  async #appendAll(
    id: string,
    entry: Entry,
    { offset, content }: AppendRequest,
  ): Promise<{ readonly contentError?: unknown }> {
    compareOffset(entry.upload, offset)
    for (let at = offset; ; ) {
      let batch: Batch
      try {
        batch = await content.read()
      } catch (contentError) {
        return { contentError }
      }
      try {
        this.#entry(id) // finished or deleted meanwhile?
        at = appendBatch(entry, at, batch)
      } catch (refusal) {
        if (at === offset) throw refusal
        return { contentError: refusal }
      }
      if (batch.last) return {}
    }
  }

  async finalize(id: string, completedDir: string): Promise<boolean> {
    const queue = this.openQueue(completedDir)
    if (queue.has(id)) return false
    const { upload, pieces } = this.#entry(id)
    if (!isAtLength(upload)) {
      throw new UploadError('ERR_MISMATCHED_OFFSET', 'the upload is not at its length', {
        offset: upload.offset,
      })
    }
    this.#entries.delete(id)
    queue.enqueue({ ...upload, state: 'completed' }, pieces)
    return true
  }

  async delete(id: string): Promise<void> {
    this.#entry(id)
    this.#entries.delete(id)
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
    for (const { upload } of this.#entries.values()) yield describeUpload(upload)
    yield* this.openQueue(completedDir).entries()
  }

  async discard(entry: StoredEntry, completedDir: string): Promise<boolean> {
    if (entry.kind !== 'upload') return this.openQueue(completedDir).discard(entry)
    const upload = this.#entries.get(entry.id)?.upload
    const unchanged = upload?.lastWrite.getTime() === entry.lastActivityMs
    return unchanged && this.#entries.delete(entry.id)
  }

  async bury(entry: StoredEntry, completedDir: string, reason: string): Promise<boolean> {
    return this.openQueue(completedDir).bury(entry, reason)
  }

  /** There is nothing to let go of. */
  async close(): Promise<void> {}

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (!entry) throw new UploadError('ERR_UPLOAD_NOT_FOUND', `there is no unfinished upload ${id}`)
    return entry
  }
}

/** Nothing is awaited in here: comparing and advancing are one step. */
function appendBatch(entry: Entry, offset: number, batch: Batch): number {
  const { upload, pieces } = entry
  compareOffset(upload, offset)
  const end = offset + batch.byteLength
  if (upload.length !== null && end > upload.length) {
    throw new UploadError('ERR_UPLOAD_SIZE_EXCEEDED', `the upload's length is ${upload.length}`, {
      offset,
    })
  }
  if (batch.byteLength > 0) {
    pieces.push(Buffer.concat(batch.pieces))
    entry.upload = { ...upload, offset: end, lastWrite: new Date() }
  }
  return end
}

function compareOffset(upload: StoredUpload, offset: number): void {
  if (upload.offset === offset) return
  throw new UploadError('ERR_MISMATCHED_OFFSET', `the upload stands at ${upload.offset}`, {
    offset: upload.offset,
  })
}

function isAtLength({ offset, length }: StoredUpload): boolean {
  return offset === length
}

/** How an upload stands once its append is through: at its length means finalized. */
function describeAfterwards(upload: StoredUpload): StoredUpload {
  return isAtLength(upload) ? { ...upload, state: 'completed' } : upload
}

function describeUpload(upload: StoredUpload): StoredEntry {
  return {
    kind: 'upload',
    id: upload.uploadId,
    path: `memory:${upload.uploadId}`,
    lastActivityMs: upload.lastWrite.getTime(),
    complete: isAtLength(upload),
  }
}

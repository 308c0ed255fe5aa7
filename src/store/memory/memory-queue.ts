/** Completed uploads in memory. @module */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UploadError } from '../../errors.ts'
import type { Claim, ClaimOptions, CompletedQueue, SaveOptions } from '../completed-queue.ts'
import type { StoredEntry, TerminateRequest } from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import { formatRecord, type RecordFields, UploadRecord } from '../upload-record.ts'

interface Item {
  readonly upload: StoredUpload
  readonly pieces: readonly Uint8Array[]
  readonly finishedAt: Date
  held: boolean
  attempts: number
  notBeforeMs: number | null
}

type End = 'acknowledged' | 'released' | { readonly buried: string }

/** The queue of one completed directory, which need not exist: only a claim writes files. */
export class MemoryQueue implements CompletedQueue {
  readonly completedDir: string
  /** What waits or is claimed, oldest first. */
  readonly #items = new Map<string, Item>()
  readonly #acknowledged = new Map<string, Item>()
  readonly #dead = new Map<string, Item & { readonly reason: string }>()
  readonly #waiting = new Set<() => void>()

  constructor(completedDir: string) {
    this.completedDir = completedDir
  }

  /** Takes a finished upload in and wakes whoever waits for one. */
  enqueue(upload: StoredUpload, pieces: readonly Uint8Array[]): void {
    const finishedAt = new Date()
    const fresh = { held: false, attempts: 0, notBeforeMs: null }
    this.#items.set(upload.uploadId, { upload, pieces, finishedAt, ...fresh })
    this.notify()
  }

  async claim({ signal, counted = false }: ClaimOptions): Promise<Claim> {
    for (;;) {
      signal.throwIfAborted()
      const now = Date.now()
      const item = [...this.#items.values()].find(
        ({ held, notBeforeMs }) => !held && (notBeforeMs ?? 0) <= now,
      )
      if (item) {
        item.held = true
        item.notBeforeMs = null
        if (counted) item.attempts++
        return new MemoryClaim(item, counted, (end) => this.#end(item, end))
      }
      await this.#change(signal)
    }
  }

  /** True once `id` was taken in, whatever became of it. */
  has(id: string): boolean {
    return this.#items.has(id) || this.#acknowledged.has(id) || this.#dead.has(id)
  }

  async find(id: string): Promise<StoredUpload | undefined> {
    return this.#items.get(id)?.upload ?? this.#acknowledged.get(id)?.upload
  }

  notify(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Everything in the queue and behind it, for the janitor. */
  *entries(): Iterable<StoredEntry> {
    for (const item of this.#items.values()) yield describeItem('completed', item)
    for (const item of this.#acknowledged.values()) yield describeItem('tombstone', item)
    for (const item of this.#dead.values()) yield describeItem('dead', item)
  }

  discard({ kind, id }: StoredEntry): boolean {
    if (kind === 'tombstone') return this.#acknowledged.delete(id)
    if (kind === 'dead') return this.#dead.delete(id)
    return kind === 'completed' && !this.#items.get(id)?.held && this.#items.delete(id)
  }

  bury({ kind, id }: StoredEntry, reason: string): boolean {
    const item = this.#items.get(id)
    if (kind !== 'completed' || !item || item.held) return false
    this.#dead.set(id, { ...item, reason })
    return this.#items.delete(id)
  }

  /** Removes what waits. @throws `ERR_UPLOAD_GONE`, `ERR_UPLOAD_LOCKED` */
  terminate(id: string, how: TerminateRequest): void {
    const item = this.#items.get(id)
    if (!item) throw new UploadError('ERR_UPLOAD_GONE', `the upload ${id} has ended`)
    if (item.held) throw new UploadError('ERR_UPLOAD_LOCKED', `a worker holds ${id}`)
    this.#items.delete(id)
    this.remember(item.upload, how)
  }

  /** Remembers an upload that nobody has acknowledged. */
  remember(upload: StoredUpload, { end, notes }: TerminateRequest): void {
    const ended = { ...upload, state: end, notes: { ...upload.notes, ...notes } }
    const item = { upload: ended, pieces: [], finishedAt: new Date() }
    const rest = { held: false, attempts: 0, notBeforeMs: null }
    this.#acknowledged.set(upload.uploadId, { ...item, ...rest })
  }

  #end(item: Item, end: End): void {
    const id = item.upload.uploadId
    if (typeof end === 'object') {
      this.#items.delete(id)
      this.#dead.set(id, { ...item, reason: end.buried })
    }
    if (end === 'acknowledged') {
      this.#items.delete(id)
      const upload: StoredUpload = { ...item.upload, state: 'acknowledged' }
      this.#acknowledged.set(id, { ...item, upload, pieces: [], finishedAt: new Date() })
    }
    item.held = false
    this.notify()
    if (item.notBeforeMs !== null) this.#notifyAt(item.notBeforeMs)
  }

  /** A timer may fire a little early; nobody would wake the waiting once more. */
  #notifyAt(timeMs: number): void {
    const wake = (): void => (Date.now() < timeMs ? this.#notifyAt(timeMs) : this.notify())
    setTimeout(wake, timeMs - Date.now()).unref()
  }

  /** Resolves at the next change, or when `signal` fires: the caller looks again either way. */
  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}

class MemoryClaim implements Claim {
  readonly #item: Item
  readonly #counted: boolean
  readonly #end: (end: End) => void
  readonly record: UploadRecord
  readonly attempt: number
  #moved = false
  #ended = false

  constructor(item: Item, counted: boolean, end: (end: End) => void) {
    this.#item = item
    this.#counted = counted
    this.attempt = counted ? item.attempts : 0
    this.#end = end
    this.record = new UploadRecord(recordOf(item))
  }

  get id(): string {
    return this.#item.upload.uploadId
  }

  async moveData(dest: string, options: SaveOptions): Promise<string> {
    const path = await this.#write(dest, this.id, Buffer.concat(this.#item.pieces), options)
    this.#moved = true
    return path
  }

  async moveRecord(dest: string, options: SaveOptions): Promise<string> {
    return await this.#write(
      dest,
      `${this.id}.meta`,
      Buffer.from(formatRecord(recordOf(this.#item))),
      options,
    )
  }

  async acknowledge(): Promise<void> {
    this.#finish('acknowledged')
  }

  async release(): Promise<void> {
    if (this.#counted && !this.#ended) this.#item.attempts--
    this.#handBack()
  }

  async retry(delayMs: number): Promise<void> {
    if (!this.#ended) this.#item.notBeforeMs = Math.ceil(Date.now() + delayMs)
    this.#handBack()
  }

  async bury(reason: string): Promise<void> {
    this.#finish({ buried: reason })
  }

  /** An upload whose data was moved has nothing left that could be handed out again. */
  #handBack(): void {
    this.#finish(this.#moved ? 'acknowledged' : 'released')
  }

  #finish(end: End): void {
    if (!this.#ended) this.#end(end)
    this.#ended = true
  }

  async #write(dest: string, name: string, bytes: Buffer, options: SaveOptions): Promise<string> {
    if (this.#ended) throw new UploadError('ERR_CLAIM_ENDED', `the claim of ${this.id} has ended`)
    const isDirectory = await stat(dest).then(
      (found) => found.isDirectory(),
      () => false,
    )
    const path = isDirectory ? join(dest, name) : dest
    const flag = options.overwrite === false ? 'wx' : 'w'
    await writeFile(path, bytes, { flag }).catch((cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EEXIST' ? 'ERR_FILE_EXISTS' : 'ERR_STORAGE'
      throw new UploadError(code, `could not write ${path}: ${cause.message}`, { cause })
    })
    return path
  }
}

function recordOf({ upload, finishedAt, attempts, notBeforeMs }: Item): RecordFields {
  const { length, offset, metadata, serverMetadata, uploadMetadata, createdAt, lastWrite } = upload
  return {
    length,
    offset,
    metadata,
    serverMetadata,
    uploadMetadata,
    createdAt: createdAt.getTime() / 1000,
    lastWrite: lastWrite.getTime() / 1000,
    finishedAt,
    durationMs: finishedAt.getTime() - createdAt.getTime(),
    complete: true,
    epoch: 0,
    attempts,
    notBeforeMs,
    ended: null,
    notes: upload.notes,
  }
}

function describeItem(kind: StoredEntry['kind'], { upload, finishedAt }: Item): StoredEntry {
  const { uploadId: id } = upload
  return { kind, id, path: `memory:${id}`, lastActivityMs: finishedAt.getTime(), complete: true }
}

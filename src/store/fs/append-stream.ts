/** Appending a longer body: the main thread writes, the I/O threads lock, sync and record. @module */
import { writev } from 'node:fs'
import type { AppendRequest, AppendResult, Batch, Content } from '../storage.ts'
import type { RecordFields } from '../upload-record.ts'
import type { OpenedAppend } from './append.ts'
import { checkComplete, checkEnd, isWithin, stateOf } from './append-end.ts'
import { toUploadError } from './io-call.ts'
import type { IoPool } from './io-pool.ts'
import type { StopRequest } from './stop-requests.ts'
import { toStoredUpload } from './stored-upload.ts'
import { skip } from './write-pieces.ts'

/**
 * With `fsync`, when to record what was written: a crash in the middle of a body takes at most 8 MiB or
 * a second, and the batch that comes before the next look is up to 2 MiB and as old as 250 ms.
 */
const CHECKPOINT_BYTES = 6 * 2 ** 20
const CHECKPOINT_MS = 500

/** How much of a quota to take at once. */
const QUOTA_BYTES = 16 * 2 ** 20

/** What an append needs besides its request: the threads, and a word to whoever holds the upload. */
export interface AppendMeans {
  readonly pool: IoPool
  readonly asking: StopRequest
  /** The real path. */
  readonly completedDir: string
}

export async function appendStream(
  { pool, asking, completedDir }: AppendMeans,
  id: string,
  request: AppendRequest & { readonly contentLength: number },
): Promise<AppendResult> {
  const { offset, length, maxSize, quota, atomic, contentLength: coming } = request
  const terms = { id, offset, length, maxSize, quota, atomic, coming }
  const opened = await pool.untilFree('openAppend', terms, asking)
  const stream = new AppendStream(pool, id, opened, { ...request, completedDir })
  try {
    return await stream.run(request.content)
  } finally {
    await pool.run('closeAppend', { fd: opened.fd })
  }
}

/** What is recorded before the end that completes an upload, if it comes. */
const NOT_YET = { complete: false } as const

class AppendStream {
  readonly #pool: IoPool
  readonly #id: string
  readonly #fd: number
  readonly #request: AppendRequest
  #record: RecordFields
  /** End of the bytes in the file, not all of them recorded. */
  #end: number
  /** End of what the owner's quota allows. */
  #reserved: number
  #locked = true
  #uncommittedSince = 0

  constructor(
    pool: IoPool,
    id: string,
    { fd, record, reserved }: OpenedAppend,
    request: AppendRequest,
  ) {
    this.#pool = pool
    this.#id = id
    this.#fd = fd
    this.#request = request
    this.#record = record
    this.#reserved = reserved
    this.#end = record.offset
  }

  /** Whatever ends the body, the bytes before it are recorded. */
  async run(content: Content): Promise<AppendResult> {
    let contentError: unknown
    try {
      for (let last = false; !last; ) {
        const due = this.#uncommitted > 0 && !this.#request.atomic
        last = await this.#take(await content.read(due ? CHECKPOINT_MS : undefined))
      }
      if (this.#request.complete) checkComplete(this.#record, this.#end)
    } catch (error) {
      contentError = error
      // What a checksum was to vouch for is worth nothing without it.
      if (this.#request.atomic) this.#end = this.#record.offset
    }
    // A body without bytes may complete an upload.
    const { complete = this.#full } = this.#request
    if (contentError === undefined && complete) await this.#advance({ complete })
    else await this.#commit()
    const result = { upload: toStoredUpload(this.#id, this.#record, stateOf(this.#record)) }
    return contentError === undefined ? result : { ...result, contentError }
  }

  /** Writes a batch; says whether it was the last one. */
  async #take(batch: Batch): Promise<boolean> {
    await this.#write(batch)
    if (batch.byteLength === 0 && !this.#full && !this.#ends(batch)) await this.#checkpoint()
    return batch.last
  }

  get #uncommitted(): number {
    return this.#end - this.#record.offset
  }

  /** All bytes are there, and complete it. Only the end of the body shows whether there are too many. */
  get #full(): boolean {
    return this.#request.complete === undefined && this.#end === this.#record.length
  }

  /**
   * The commit that comes next tells the end as well: clients that go by the length would take an upload that
   * a crash has left there for complete, and never end it.
   */
  #ends({ last }: Batch): boolean {
    return last && this.#request.complete === true
  }

  async #write(batch: Batch): Promise<void> {
    if (batch.byteLength === 0) return
    const end = this.#end + batch.byteLength
    await this.#checkEnd(end)
    await this.#reserve(end)
    await this.#lock()
    if (this.#uncommitted === 0) this.#uncommittedSince = performance.now()
    await writeAll(this.#fd, batch.pieces, this.#end)
    this.#end = end
    const due =
      !this.#pool.fsync ||
      this.#uncommitted >= CHECKPOINT_BYTES ||
      performance.now() - this.#uncommittedSince >= CHECKPOINT_MS
    if (due && !this.#full && !this.#ends(batch)) await this.#checkpoint()
  }

  async #checkpoint(): Promise<void> {
    if (this.#request.atomic) return
    await this.#commit()
    this.#request.onOffset?.(this.#record.offset)
  }

  /** A body that is too long must not complete the upload by its first part. */
  async #checkEnd(end: number): Promise<void> {
    const { atomic, maxSize } = this.#request
    if (isWithin(this.#record, end, maxSize)) return
    if (this.#full || atomic) this.#end = this.#record.offset
    await this.#commit()
    checkEnd(this.#record, end, maxSize)
  }

  /** What goes on longer than anybody knew takes more of its owner's quota, if there is any. */
  async #reserve(end: number): Promise<void> {
    const { quota: limit } = this.#request
    const { length, notes } = this.#record
    if (limit === undefined || length !== null || end <= this.#reserved) return
    const claim = { id: this.#id, owner: notes.owner ?? '', bytes: end, limit, ahead: QUOTA_BYTES }
    this.#reserved = await this.#pool.untilFree('growQuota', claim)
  }

  async #lock(): Promise<void> {
    if (this.#locked) return
    const upload = { id: this.#id, fd: this.#fd, record: this.#record }
    await this.#pool.untilFree('lockAppend', upload)
    this.#locked = true
  }

  async #commit(): Promise<void> {
    if (this.#uncommitted > 0)
      await this.#advance(this.#request.complete === undefined ? {} : NOT_YET)
  }

  async #advance(completion: { readonly complete?: boolean }): Promise<void> {
    await this.#lock()
    this.#locked = false
    const end = this.#end
    // After a failed sync the pages may be gone: the bytes count as never received.
    this.#end = this.#record.offset
    this.#record = await this.#pool.run('commitAppend', {
      id: this.#id,
      fd: this.#fd,
      record: this.#record,
      end,
      completedDir: this.#request.completedDir,
      seal: this.#request.seal ?? false,
      ...completion,
    })
    this.#end = end
  }
}

function writeAll(fd: number, pieces: readonly Uint8Array[], position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const write = (rest: readonly Uint8Array[], at: number): void => {
      writev(fd, rest as Uint8Array[], at, (error, written) => {
        if (error) return reject(toUploadError(error))
        const left = skip(rest, written)
        if (left.length === 0) resolve()
        else write(left, at + written)
      })
    }
    write(pieces, position)
  })
}

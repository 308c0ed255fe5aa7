/** A completed upload in the hands of a worker. @module */
import { UploadError } from '../errors.ts'
import type { Claim, SaveOptions } from '../store/completed-queue.ts'
import type { UploadRecord } from '../store/upload-record.ts'

/**
 * What {@link TusApp.waitForFile} resolves with: this worker's alone until it ends by
 * `acknowledge`, `release` or disposal, or by the end of the process.
 *
 * @example
 * ```ts
 * const upload = await tus.waitForFile()
 * try {
 *   await upload.save('./dest/')
 * } finally {
 *   await upload.acknowledge()
 * }
 * ```
 */
export class CompletedUpload {
  /** The upload's id, which is also the name of its file. */
  readonly name: string
  readonly record: UploadRecord
  readonly #claim: Claim
  #data: 'here' | 'moved' | 'failed' = 'here'
  #recordMoved = false
  #ended = false
  /** A save that nobody awaited: the claim must not end before it. */
  #saving: Promise<unknown> | undefined

  /** @internal */
  constructor(claim: Claim) {
    this.#claim = claim
    this.name = claim.id
    this.record = claim.record
  }

  /**
   * Moves the file to `dest`, also to another file system; in a directory it keeps its id as name.
   * Once this has resolved, a crash does not hand the upload out again.
   *
   * @returns the path of the file
   * @throws `ERR_ALREADY_SAVED`, `ERR_FILE_EXISTS`, `ERR_INSUFFICIENT_STORAGE`, `ERR_STORAGE`
   */
  async save(dest: string, options: SaveOptions = {}): Promise<string> {
    if (this.#data === 'moved') throw alreadySaved('file')
    this.#data = 'failed'
    const moving = this.#claim.moveData(dest, options)
    this.#saving = moving.catch(() => undefined)
    const path = await moving
    this.#data = 'moved'
    return path
  }

  /**
   * Moves the record (JSON, for {@link UploadRecord.fromFile}) to `dest` in the same way.
   *
   * @returns the path of the record
   * @throws as {@link CompletedUpload.save}
   */
  async saveRecord(dest: string, options: SaveOptions = {}): Promise<string> {
    if (this.#recordMoved) throw alreadySaved('record')
    const path = await this.#claim.moveRecord(dest, options)
    this.#recordMoved = true
    return path
  }

  /**
   * Ends the work: file and record are removed, saved or not, and the upload is never handed out
   * again. After a `save` that failed and was not repeated the upload is handed back instead, so
   * that this may stand in a `finally`. Nothing happens when the work has ended before.
   */
  async acknowledge(): Promise<void> {
    await this.#saving
    if (this.#ended) return
    if (this.#data === 'failed') return this.release()
    this.#ended = true
    await this.#claim.acknowledge()
  }

  /**
   * Hands the upload back: another worker may have it. One whose file was saved has nothing left to
   * be handed out and is acknowledged. Nothing happens after the end.
   */
  async release(): Promise<void> {
    await this.#saving
    if (this.#ended) return
    this.#ended = true
    if (this.saved) await this.#claim.acknowledge()
    else await this.#claim.release()
  }

  /** Whether the file is the application's by now. */
  get saved(): boolean {
    return this.#data === 'moved'
  }

  /**
   * Ends a failed attempt: with a number the upload is handed out again after so many milliseconds,
   * with a text it is given up for that reason. A saved one is done all the same.
   *
   * @internal
   */
  async fail(next: number | string): Promise<void> {
    await this.#saving
    if (this.#ended) return
    this.#ended = true
    if (this.saved) await this.#claim.acknowledge()
    else if (typeof next === 'number') await this.#claim.retry(next)
    else await this.#claim.bury(next)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.acknowledge()
  }
}

function alreadySaved(what: string): UploadError {
  return new UploadError('ERR_ALREADY_SAVED', `the ${what} of this upload was saved before`)
}

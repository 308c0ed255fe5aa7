/** What applications hear of a body while it goes on. @module */
import type { StoredUpload } from '../store/upload.ts'
import { toUploadInfo } from './events.ts'
import type { Uploads } from './uploads.ts'

/**
 * Tells how far one request has brought its upload: durable offsets only, at most one an interval, and
 * the last one at its end. Where nobody listens, or nothing has become durable, nothing is done.
 */
export class ProgressReport {
  readonly #uploads: Uploads
  readonly #id: string
  #told: number
  #durable: number
  #due: number
  /** Set from the first offset that is to be told until it was: one at a time. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #telling: Promise<void> | undefined
  #ended = false

  constructor(uploads: Uploads, id: string, offset: number) {
    this.#uploads = uploads
    this.#id = id
    this.#told = offset
    this.#durable = offset
    this.#due = performance.now() + uploads.progressIntervalMs
  }

  /** Returns at once: a slow listener does not hold up the body. */
  onOffset(offset: number): void {
    this.#durable = offset
    this.#schedule()
  }

  /**
   * The request has ended: tells the rest, after what is being told, and nothing any more. Without
   * `upload`, for the storage has failed, what had become durable before. A promise only where there is
   * something to tell.
   */
  end(upload?: StoredUpload): Promise<void> | undefined {
    this.#ended = true
    clearTimeout(this.#timer)
    return this.#telling || this.#uploads.feed.isHeard ? this.#tellRest(upload) : undefined
  }

  async #tellRest(upload: StoredUpload | undefined): Promise<void> {
    await this.#telling
    const last = upload ?? (await this.#look())
    if (last) await this.#tell(last)
  }

  #schedule(): void {
    if (this.#ended || this.#timer !== undefined || !this.#isWanted) return
    const run = (): void => {
      this.#telling = this.#run()
    }
    this.#timer = setTimeout(run, Math.max(0, this.#due - performance.now()))
  }

  async #run(): Promise<void> {
    const upload = await this.#look()
    // What comes at the end tells it as well.
    if (upload && !this.#ended) await this.#tell(upload)
    this.#due = performance.now() + this.#uploads.progressIntervalMs
    this.#timer = undefined
    this.#schedule()
  }

  get #isWanted(): boolean {
    return this.#durable > this.#told && this.#uploads.feed.isHeard
  }

  /** The upload at the durable offset; none where it has left the storage, or cannot be read. */
  async #look(): Promise<StoredUpload | undefined> {
    if (!this.#isWanted) return undefined
    const offset = this.#durable
    const upload = await this.#uploads.storage.info(this.#id).catch(() => undefined)
    return upload && { ...upload, offset }
  }

  async #tell(upload: StoredUpload): Promise<void> {
    const bytesWritten = upload.offset - this.#told
    if (bytesWritten <= 0 || !this.#uploads.feed.isHeard) return
    this.#told = upload.offset
    const uploadInfo = toUploadInfo(upload)
    await this.#uploads.emit({ type: 'upload-progress', uploadInfo, bytesWritten })
  }
}

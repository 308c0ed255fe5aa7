/** Events that wait for a slow consumer, in bounded memory. @module */
import { type TusEvent, uploadIdOf } from './events.ts'

/** More than these do not wait. */
const MAX_WAITING = 1000

interface Waiting {
  event: TusEvent
}

/** First in, first out. Of the progress of one upload only the latest waits, with the bytes of all. */
export class EventQueue {
  readonly #waiting: Waiting[] = []
  /** By upload, where nothing else of it came after. */
  readonly #progress = new Map<string, Waiting>()
  readonly #onLoss: () => void
  #hasLost = false

  /** `onLoss` is called when events are lost for the first time. */
  constructor(onLoss: () => void) {
    this.#onLoss = onLoss
  }

  push(event: TusEvent): void {
    if (!this.#merge(event)) this.#add(event)
    if (this.#waiting.length <= MAX_WAITING) return
    this.take()
    if (!this.#hasLost) this.#onLoss()
    this.#hasLost = true
  }

  take(): TusEvent | undefined {
    const entry = this.#waiting.shift()
    if (!entry) return undefined
    const id = uploadIdOf(entry.event)
    if (this.#progress.get(id) === entry) this.#progress.delete(id)
    return entry.event
  }

  #merge(event: TusEvent): boolean {
    if (event.type !== 'upload-progress') return false
    const entry = this.#progress.get(event.uploadInfo.uploadId)
    if (entry?.event.type !== 'upload-progress') return false
    const bytesWritten = entry.event.bytesWritten + event.bytesWritten
    entry.event = { ...event, bytesWritten }
    return true
  }

  #add(event: TusEvent): void {
    const entry = { event }
    const id = uploadIdOf(event)
    if (event.type === 'upload-progress') this.#progress.set(id, entry)
    else this.#progress.delete(id)
    this.#waiting.push(entry)
  }
}

/**
 * SHA-256 of whole uploads, computed while their bytes come in. A state is kept for the offset that
 * became durable last; what it has not seen, for another process has received it or for a restart, is
 * read.
 *
 * @module
 */
import { createHash, type Hash } from 'node:crypto'
import type { Batch, Content } from '../store/storage.ts'
import type { Uploads } from './uploads.ts'
import { readUpload } from './verdict.ts'

/** More than these uploads are not remembered between two requests. */
const MAX_STATES = 1024

interface State {
  readonly offset: number
  readonly hash: Hash
}

export class RunningDigests {
  /** The one that was used last comes last. */
  readonly #states = new Map<string, State>()

  /** Hashes on from `offset` while `content` is read. */
  async follow(
    uploads: Pick<Uploads, 'storage'>,
    id: string,
    { offset, content }: { readonly offset: number; readonly content: Content },
  ): Promise<{ readonly content: Content; readonly onOffset: (offset: number) => void }> {
    const { hash } = await this.#at(uploads, id, offset)
    let position = offset
    return {
      content: {
        async read(timeoutMs?: number): Promise<Batch> {
          const batch = await content.read(timeoutMs)
          for (const piece of batch.pieces) hash.update(piece)
          position += batch.byteLength
          return batch
        },
      },
      // A part of what was read may not have been kept: then the state is of no use.
      onOffset: (durable) => {
        if (durable === position) this.#keep(id, { offset: durable, hash: hash.copy() })
      },
    }
  }

  /** In hex, of the first `length` bytes, and forgets the upload. */
  async digest(uploads: Pick<Uploads, 'storage'>, id: string, length: number): Promise<string> {
    const { hash } = await this.#at(uploads, id, length)
    this.#states.delete(id)
    return hash.digest('hex')
  }

  forget(id: string): void {
    this.#states.delete(id)
  }

  async #at(uploads: Pick<Uploads, 'storage'>, id: string, offset: number): Promise<State> {
    const known = this.#states.get(id)
    const usable = known !== undefined && known.offset <= offset
    const hash = usable ? known.hash.copy() : createHash('sha256')
    const range = { start: usable ? known.offset : 0, end: offset }
    for await (const piece of readUpload(uploads, id, range)) hash.update(piece)
    return { offset, hash }
  }

  #keep(id: string, state: State): void {
    this.#states.delete(id)
    this.#states.set(id, state)
    const [oldest] = this.#states.keys()
    if (this.#states.size > MAX_STATES && oldest !== undefined) this.#states.delete(oldest)
  }
}

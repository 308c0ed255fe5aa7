/**
 * Digests of whole uploads, computed while their bytes come in. A state is kept for the offset that
 * became durable last; what it has not seen, for another process has received it or for a restart, is
 * read.
 *
 * @module
 */
import { createHash, type Hash } from 'node:crypto'
import type { Batch, Content } from '../store/storage.ts'
import type { DigestAlgorithm, UploadDigests } from '../store/upload-notes.ts'
import type { Uploads } from './uploads.ts'
import { readUpload } from './verdict.ts'

/** More than these uploads are not remembered between two requests. */
const MAX_STATES = 1024

type Hashes = ReadonlyMap<DigestAlgorithm, Hash>

interface State {
  readonly offset: number
  readonly hashes: Hashes
}

/** What an upload is followed with. */
interface Following {
  readonly offset: number
  readonly content: Content
}

export class RunningDigests {
  /** Whether every upload gets its SHA-256. */
  readonly all: boolean
  /** The one that was used last comes last. */
  readonly #states = new Map<string, State>()

  constructor({ all }: { readonly all: boolean }) {
    this.all = all
  }

  /** Remembers what is wanted of an upload without bytes. */
  begin(id: string, algorithms: Iterable<DigestAlgorithm>): void {
    const hashes = startHashes([...algorithms, ...this.#always()])
    this.#keep(id, { offset: 0, hashes })
  }

  /** Whether something may be wanted of an upload. */
  follows(id: string): boolean {
    return this.all || this.#states.has(id)
  }

  /** Hashes on from `offset` while `content` is read; `undefined` where nothing is known to be wanted. */
  async follow(
    uploads: Pick<Uploads, 'storage'>,
    id: string,
    { offset, content }: Following,
  ): Promise<
    { readonly content: Content; readonly onOffset: (offset: number) => void } | undefined
  > {
    const known = this.#states.get(id)
    const algorithms = known?.hashes.keys() ?? this.#always()
    const { hashes } = await this.#at(uploads, id, { offset, algorithms })
    if (hashes.size === 0) return undefined
    let position = offset
    return {
      content: {
        async read(timeoutMs?: number): Promise<Batch> {
          const batch = await content.read(timeoutMs)
          for (const hash of hashes.values()) for (const piece of batch.pieces) hash.update(piece)
          position += batch.byteLength
          return batch
        },
      },
      // A part of what was read may not have been kept: then the state is of no use.
      onOffset: (durable) => {
        if (durable === position) this.#keep(id, { offset: durable, hashes: copied(hashes) })
      },
    }
  }

  /** Of the first `length` bytes, as far as anybody wants them; forgets the upload. */
  async digest(
    uploads: Pick<Uploads, 'storage'>,
    id: string,
    { length, wanted = {} }: { readonly length: number; readonly wanted?: UploadDigests },
  ): Promise<ReadonlyMap<DigestAlgorithm, Buffer>> {
    const algorithms = [...algorithmsOf(wanted), ...this.#always()]
    const { hashes } = await this.#at(uploads, id, { offset: length, algorithms })
    this.#states.delete(id)
    return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest()]))
  }

  forget(id: string): void {
    this.#states.delete(id)
  }

  #always(): readonly DigestAlgorithm[] {
    return this.all ? ['sha256'] : []
  }

  async #at(
    uploads: Pick<Uploads, 'storage'>,
    id: string,
    wanted: { readonly offset: number; readonly algorithms: Iterable<DigestAlgorithm> },
  ): Promise<State> {
    const { offset } = wanted
    const algorithms = [...wanted.algorithms]
    if (algorithms.length === 0) return { offset, hashes: new Map() }
    const known = this.#states.get(id)
    const usable =
      known !== undefined &&
      known.offset <= offset &&
      algorithms.every((algorithm) => known.hashes.has(algorithm))
    const hashes = usable ? copied(known.hashes) : startHashes(algorithms)
    const range = { start: usable ? known.offset : 0, end: offset }
    for await (const piece of readUpload(uploads, id, range)) {
      for (const hash of hashes.values()) hash.update(piece)
    }
    return { offset, hashes }
  }

  #keep(id: string, state: State): void {
    this.#states.delete(id)
    this.#states.set(id, state)
    const [oldest] = this.#states.keys()
    if (this.#states.size > MAX_STATES && oldest !== undefined) this.#states.delete(oldest)
  }
}

/** What has to be computed. */
export function algorithmsOf({ told, wanted }: UploadDigests): ReadonlySet<DigestAlgorithm> {
  return new Set([told?.algorithm, wanted].filter((algorithm) => algorithm !== undefined))
}

function startHashes(algorithms: Iterable<DigestAlgorithm>): Hashes {
  return new Map([...algorithms].map((algorithm) => [algorithm, createHash(algorithm)]))
}

function copied(hashes: Hashes): Hashes {
  return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.copy()]))
}

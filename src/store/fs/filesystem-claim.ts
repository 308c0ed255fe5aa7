/** A claim on a completed upload: its data file stays locked until the claim ends. @module */
import { UploadError } from '../../errors.ts'
import type { Claim, SaveOptions } from '../completed-queue.ts'
import { type RecordFields, UploadRecord } from '../upload-record.ts'
import type { IoPool } from './io-pool.ts'
import { dataPath, recordPath } from './layout.ts'
import { copyFileTo, moveFile } from './move-file.ts'

interface ClaimFacts {
  readonly id: string
  readonly completedDir: string
  readonly fd: number
  readonly record: RecordFields
}

export class FilesystemClaim implements Claim {
  readonly id: string
  readonly record: UploadRecord
  readonly #pool: IoPool
  readonly #facts: ClaimFacts
  readonly #onEnd: (released: boolean) => void
  #ended = false

  constructor(pool: IoPool, facts: ClaimFacts, onEnd: (released: boolean) => void) {
    this.id = facts.id
    this.record = new UploadRecord(facts.record)
    this.#pool = pool
    this.#facts = facts
    this.#onEnd = onEnd
  }

  moveData(dest: string, options: SaveOptions): Promise<string> {
    return this.#place(moveFile, dataPath(this.#facts.completedDir, this.id), dest, options)
  }

  /** Ours stays until the end: without it the upload could be neither found nor handed out again. */
  moveRecord(dest: string, options: SaveOptions): Promise<string> {
    return this.#place(copyFileTo, recordPath(this.#facts.completedDir, this.id), dest, options)
  }

  acknowledge(): Promise<void> {
    return this.#end(false, () => this.#pool.run('acknowledge', this.#facts))
  }

  release(): Promise<void> {
    return this.#end(true, () => this.#pool.run('releaseClaim', { fd: this.#facts.fd }))
  }

  async #place(
    put: typeof moveFile,
    from: string,
    dest: string,
    options: SaveOptions,
  ): Promise<string> {
    if (this.#ended) throw ended()
    return put(from, dest, { ...options, fsync: this.#pool.fsync })
  }

  async #end(released: boolean, run: () => Promise<void>): Promise<void> {
    if (this.#ended) throw ended()
    this.#ended = true
    try {
      await run()
    } finally {
      this.#onEnd(released)
    }
  }
}

function ended(): UploadError {
  return new UploadError('ERR_CLAIM_ENDED', 'this upload was already acknowledged or released')
}

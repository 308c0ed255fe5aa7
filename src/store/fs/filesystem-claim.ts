/** A claim on a completed upload: its data file stays locked until the claim ends. @module */
import { UploadError } from '../../errors.ts'
import type { Claim, SaveOptions } from '../completed-queue.ts'
import { UploadRecord } from '../upload-record.ts'
import type { HeldClaim } from './claim.ts'
import type { IoPool } from './io-pool.ts'
import { dataPath, recordPath, tombstonePath } from './layout.ts'
import { copyFileTo, moveFile } from './move-file.ts'

type OnEnd = (how: 'acknowledged' | 'released') => void

export class FilesystemClaim implements Claim {
  readonly id: string
  readonly record: UploadRecord
  readonly #pool: IoPool
  readonly #facts: HeldClaim
  readonly #counted: boolean
  readonly #onEnd: OnEnd
  #entombed = false
  #ended = false

  constructor(pool: IoPool, facts: HeldClaim, counted: boolean, onEnd: OnEnd) {
    this.id = facts.id
    this.record = new UploadRecord(facts.record)
    this.#pool = pool
    this.#facts = facts
    this.#counted = counted
    this.#onEnd = onEnd
  }

  async moveData(dest: string, options: SaveOptions): Promise<string> {
    const from = dataPath(this.#facts.completedDir, this.id)
    const path = await this.#place(moveFile, from, dest, { ...options, name: this.id })
    // From here on the record alone is no upload: the janitor may sweep it, a client may still ask.
    // Should that fail, the acknowledgement tries again.
    this.#entombed = await this.#pool.run('entomb', this.#facts).then(
      () => true,
      () => false,
    )
    return path
  }

  /** Ours stays until the end: without it the upload could be neither found nor handed out again. */
  moveRecord(dest: string, options: SaveOptions): Promise<string> {
    const { completedDir } = this.#facts
    const path = this.#entombed ? tombstonePath : recordPath
    return this.#place(copyFileTo, path(completedDir, this.id), dest, {
      ...options,
      name: `${this.id}.meta`,
    })
  }

  acknowledge(): Promise<void> {
    return this.#end('acknowledged', () =>
      this.#pool.run('acknowledge', { ...this.#facts, entombed: this.#entombed }),
    )
  }

  release(): Promise<void> {
    const { record, ...place } = this.#facts
    const back = this.#counted && { record: { ...record, attempts: record.attempts - 1 } }
    return this.#end('released', () => this.#pool.run('releaseClaim', { ...place, ...back }))
  }

  retry(delayMs: number): Promise<void> {
    const record = { ...this.#facts.record, notBeforeMs: Math.ceil(Date.now() + delayMs) }
    return this.#end('released', () => this.#pool.run('releaseClaim', { ...this.#facts, record }))
  }

  bury(reason: string): Promise<void> {
    return this.#end('acknowledged', () => this.#pool.run('buryClaim', { ...this.#facts, reason }))
  }

  get attempt(): number {
    return this.#counted ? this.#facts.record.attempts : 0
  }

  async #place(
    put: typeof moveFile,
    from: string,
    dest: string,
    options: SaveOptions & { readonly name: string },
  ): Promise<string> {
    if (this.#ended) throw ended()
    const renameNew = (from: string, to: string): Promise<string | undefined> =>
      this.#pool.run('renameNew', { from, to })
    return put(from, dest, { ...options, fsync: this.#pool.fsync, renameNew })
  }

  async #end(how: Parameters<OnEnd>[0], run: () => Promise<void>): Promise<void> {
    if (this.#ended) throw ended()
    this.#ended = true
    try {
      await run()
    } finally {
      this.#onEnd(how)
    }
  }
}

function ended(): UploadError {
  return new UploadError('ERR_CLAIM_ENDED', 'this upload was already acknowledged or released')
}

/**
 * Where an interrupted upload goes on: the URLs of unfinished uploads in one JSON file, replaced
 * atomically. The library's own storage leaves lock files behind.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import type { PreviousUpload, UrlStorage } from 'tus-js-client'

type Entries = Record<string, PreviousUpload>

export class FileUrlStorage implements UrlStorage {
  readonly #path: string
  readonly #temporary: string
  /** Changes of this process one after the other; other processes are merged by reading first. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
    this.#temporary = `${path}.${process.pid}.tmp`
  }

  /** Finds out before anything is sent whether the file is one, and can be written. */
  async check(): Promise<void> {
    await this.#read()
    await this.#writeTemporary('')
    await rm(this.#temporary, { force: true })
  }

  async findAllUploads(): Promise<PreviousUpload[]> {
    return Object.values(await this.#read())
  }

  async findUploadsByFingerprint(fingerprint: string): Promise<PreviousUpload[]> {
    const found = Object.entries(await this.#read())
    return found
      .filter(([key]) => key.startsWith(`${fingerprint}::`))
      .map(([key, upload]) => ({ ...upload, urlStorageKey: key }))
  }

  removeUpload(urlStorageKey: string): Promise<void> {
    return this.#change((entries) => {
      delete entries[urlStorageKey]
    })
  }

  async addUpload(fingerprint: string, upload: PreviousUpload): Promise<string> {
    const key = `${fingerprint}::${randomUUID()}`
    await this.#change((entries) => {
      entries[key] = upload
    })
    return key
  }

  async #read(): Promise<Entries> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw new Error(`${this.#path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
    }
    return parseEntries(text, this.#path)
  }

  #change(apply: (entries: Entries) => void): Promise<void> {
    const changed = this.#tail.then(async () => {
      const entries = await this.#read()
      apply(entries)
      await this.#write(entries)
    })
    this.#tail = changed.catch(() => undefined)
    return changed
  }

  async #write(entries: Entries): Promise<void> {
    if (Object.keys(entries).length === 0) return rm(this.#path, { force: true })
    await this.#writeTemporary(`${JSON.stringify(entries, null, 2)}\n`)
    await rename(this.#temporary, this.#path)
  }

  async #writeTemporary(text: string): Promise<void> {
    try {
      const file = await open(this.#temporary, 'w')
      try {
        await file.writeFile(text)
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      throw new Error(`${this.#path} cannot be written: ${(error as NodeJS.ErrnoException).code}`)
    }
  }
}

function parseEntries(text: string, path: string): Entries {
  try {
    const entries: unknown = JSON.parse(text)
    if (typeof entries === 'object' && entries !== null && !Array.isArray(entries)) {
      return entries as Entries
    }
  } catch {
    // Said below, for both.
  }
  throw new Error(
    `${path} is no progress file: remove it to start anew, or name another one by --progress`,
  )
}

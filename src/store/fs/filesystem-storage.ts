/** Storage in a directory of a local file system. @module */
import { join, resolve } from 'node:path'
import { UploadError } from '../../errors.ts'
import { consoleLogger, type Logger } from '../../logger.ts'
import type { CompletedQueue } from '../completed-queue.ts'
import type {
  AppendRequest,
  AppendResult,
  Concatenation,
  FirstContent,
  NewUpload,
  Storage,
  StoredEntry,
  TerminateRequest,
} from '../storage.ts'
import type { StoredUpload } from '../upload.ts'
import type { UploadNotes } from '../upload-notes.ts'
import { appendContent } from './append-content.ts'
import { FilesystemConcatenation } from './concat-files.ts'
import { prepareCompleted, prepareUploads, remoteFileSystem } from './directories.ts'
import { FilesystemQueue } from './filesystem-queue.ts'
import type { InspectArgs } from './inspect.ts'
import { toUploadError } from './io-call.ts'
import { IoPool } from './io-pool.ts'
import { DEAD, ENDED, parseName, QUOTA, STOP, TEMPORARY, WANTED } from './layout.ts'
import { Looks } from './looks.ts'
import { loadPosix } from './posix.ts'
import { readNames } from './read-names.ts'
import { freeSpace } from './reserve.ts'
import { StopRequests } from './stop-requests.ts'

/** Options of {@link FilesystemStorage}. */
export interface FilesystemStorageOptions {
  /** Directory of the unfinished uploads. Its last level is created when missing. */
  readonly directory: string
  /** Mode of the directories that are created, before the umask. @defaultValue 0o755 */
  readonly directoryMode?: number
  /**
   * Whether an acknowledgement waits until bytes and records are on the disk. Without it they
   * survive the end of the process, but not a loss of power. @defaultValue true
   */
  readonly fsync?: boolean
  /**
   * Whether `flock` and `fallocate` are called. Without them only one process may use the
   * directories, and space is not reserved. @defaultValue true
   */
  readonly native?: boolean
  /** @defaultValue the console */
  readonly logger?: Logger
}

/**
 * Keeps uploads as files: `{uuid}` and its record `{uuid}.meta`, the layout of Python tussi 3.1.
 *
 * @example
 * ```ts
 * import { FilesystemStorage } from 'tussi'
 *
 * const storage = new FilesystemStorage({ directory: './uploads' })
 * console.log(await storage.freeSpace())
 * await storage.close()
 * ```
 */
export class FilesystemStorage implements Storage {
  /** Real path of the directory. */
  readonly directory: string
  readonly #mode: number
  readonly #pool: IoPool
  readonly #looks: Looks
  readonly #logger: Logger
  readonly #stops: StopRequests
  #appending = 0
  #drained: (() => void) | undefined
  readonly #queues = new Map<string, FilesystemQueue>()
  readonly concatenation: Concatenation

  /** @throws `ERR_DIRECTORY`, `ERR_NATIVE_UNAVAILABLE` */
  constructor(options: FilesystemStorageOptions) {
    const { directory, directoryMode = 0o755, fsync = true, native = true } = options
    if (typeof directory !== 'string' || directory === '') {
      throw new TypeError(`directory must be a path, got ${String(directory)}`)
    }
    if (!Number.isInteger(directoryMode) || directoryMode < 0 || directoryMode > 0o7777) {
      throw new TypeError(`directoryMode must be from 0 to 0o7777, got ${String(directoryMode)}`)
    }
    if (native) loadPosix()
    this.#logger = options.logger ?? consoleLogger
    this.#mode = directoryMode
    this.directory = prepareUploads(directory, directoryMode)
    this.#stops = new StopRequests(this.directory, this.#logger)
    this.#pool = new IoPool({ directory: this.directory, fsync, native })
    this.#looks = new Looks(this.#pool, { directory: this.directory, native })
    const completed = (path: string): string => this.#queue(path).completedDir
    this.concatenation = new FilesystemConcatenation(this.#pool, completed)
    const remote = remoteFileSystem(this.directory)
    if (remote) {
      this.#logger.warn(
        `${this.directory} is on ${remote}: that locks and syncs hold across hosts and power ` +
          'loss is up to that system',
      )
    }
  }

  create(upload: NewUpload, first?: FirstContent): Promise<StoredUpload> {
    const placed = first && {
      ...first,
      completedDir: this.#queue(first.completedDir).completedDir,
    }
    return this.#pool.untilFree('create', placed ? { upload, first: placed } : { upload })
  }

  info(id: string): Promise<StoredUpload> {
    return this.#looks.info(id)
  }

  settledInfo(id: string): Promise<StoredUpload> {
    return this.#looks.settledInfo(id, this.#stops.request(id))
  }

  onStopRequest(listener: (id: string) => void): void {
    this.#stops.listen(listener)
  }

  async append(id: string, request: AppendRequest): Promise<AppendResult> {
    this.#appending++
    try {
      const { completedDir } = this.#queue(request.completedDir)
      const means = { pool: this.#pool, asking: this.#stops.request(id), completedDir }
      return await appendContent(means, id, request)
    } finally {
      if (--this.#appending === 0) this.#drained?.()
    }
  }

  async finalize(id: string, completedDir: string, notes: UploadNotes = {}): Promise<boolean> {
    const queue = this.#queue(completedDir)
    return this.#pool.untilFree('finalize', { id, completedDir: queue.completedDir, notes })
  }

  async hold(id: string): Promise<() => Promise<void>> {
    const { fd } = await this.#pool.untilFree('hold', { id }, this.#stops.request(id))
    return () => this.#pool.run('closeAppend', { fd })
  }

  async note(id: string, notes: UploadNotes): Promise<void> {
    await this.#pool.untilFree('note', { id, notes })
  }

  read(id: string, position: number, length: number): Promise<Uint8Array> {
    return this.#pool.run('read', { id, position, length })
  }

  async terminate(id: string, { completedDir, end, notes = {} }: TerminateRequest): Promise<void> {
    const place = { id, completedDir: this.#queue(completedDir).completedDir }
    const how = { ...place, end, notes }
    await this.#pool.untilFree('terminate', how, this.#stops.request(id))
  }

  async *list(): AsyncIterable<StoredUpload> {
    for await (const names of readNames(this.directory)) {
      const uploads = await Promise.all(names.map((name) => this.#listed(name)))
      for (const upload of uploads) if (upload) yield upload
    }
  }

  async freeSpace(): Promise<number> {
    try {
      return freeSpace(this.directory)
    } catch (error) {
      throw toUploadError(error)
    }
  }

  openQueue(completedDir: string): CompletedQueue {
    return this.#queue(completedDir)
  }

  async *entries(completedDir: string): AsyncIterable<StoredEntry> {
    const completed = this.#queue(completedDir).completedDir
    yield* this.#inspect('uploads', this.directory)
    yield* this.#inspect('completed', completed)
    yield* this.#inspect('dead', join(completed, DEAD))
    yield* this.#inspect('temporary', join(this.directory, TEMPORARY))
    yield* this.#inspect('temporary', join(this.directory, STOP))
    yield* this.#inspect('wanted', join(this.directory, WANTED))
    yield* this.#inspect('quota', join(this.directory, QUOTA))
    yield* this.#inspect('temporary', join(completed, TEMPORARY))
    for await (const shards of readNames(join(completed, ENDED))) {
      for (const shard of shards) yield* this.#inspect('tombstone', join(completed, ENDED, shard))
    }
  }

  discard(entry: StoredEntry, completedDir: string): Promise<boolean> {
    const queue = this.#queue(completedDir)
    if (queue.holds(entry.id)) return Promise.resolve(false)
    return this.#pool.run('discard', { entry, completedDir: queue.completedDir })
  }

  bury(entry: StoredEntry, completedDir: string, reason: string): Promise<boolean> {
    const queue = this.#queue(completedDir)
    if (queue.holds(entry.id)) return Promise.resolve(false)
    return this.#pool.run('buryEntry', { entry, completedDir: queue.completedDir, reason })
  }

  /** Waits for what is under way, then ends the I/O threads. Claims must have ended before. */
  async close(): Promise<void> {
    for (const queue of this.#queues.values()) queue.close()
    this.#stops.close()
    if (this.#appending > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    await this.#looks.close()
    await this.#pool.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #queue(completedDir: string): FilesystemQueue {
    const known = this.#queues.get(completedDir)
    if (known) return known
    const path = prepareCompleted(resolve(completedDir), this.directory, this.#mode)
    const queue = this.#queues.get(path) ?? new FilesystemQueue(this.#pool, path, this.#logger)
    this.#queues.set(completedDir, queue).set(path, queue)
    return queue
  }

  async #listed(name: string): Promise<StoredUpload | undefined> {
    const found = parseName(name)
    if (found?.kind !== 'data') return undefined
    try {
      return await this.#looks.infoInTurn(found.id)
    } catch (error) {
      // One that cannot be read must not hide the others.
      if (error instanceof UploadError && error.code !== 'ERR_SHUTTING_DOWN') return undefined
      throw error
    }
  }

  async *#inspect(area: InspectArgs['area'], directory: string): AsyncIterable<StoredEntry> {
    for await (const names of readNames(directory)) {
      yield* await this.#pool.run('inspect', { area, directory, names })
    }
  }
}

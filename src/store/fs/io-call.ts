/**
 * The language between the main thread and the I/O threads: operations that pause only to have
 * something synced, so that a thread can sync for all of them at once.
 *
 * @module
 */
import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { Posix } from './posix.ts'
import { isOlder } from './sync-times.ts'

/** The content of a file. */
export interface DataBarrier {
  readonly sync: 'data'
  readonly fd: number
  /** It was written in calls before this one. */
  readonly earlier: boolean
  /** Set when the sync has failed, for good: the kernel tells of it once, a second sync says nothing. */
  failure?: unknown
}

/** The entries of a directory. */
export interface DirectoryBarrier {
  readonly sync: 'directory'
  readonly path: string
  /** Set when the sync has failed. */
  failure?: unknown
}

export type Barrier = DataBarrier | DirectoryBarrier

/**
 * One storage operation: plain synchronous calls, and between them barriers that it waits for, all of
 * them at once. It goes on when all have been synced, or throws the failure of one.
 */
export type Operation<T> = Generator<readonly Barrier[], T, void>

/** What an operation may use. */
export interface Io {
  readonly directory: string
  readonly fsync: boolean
  readonly posix: Posix
  /** When this thread last began a sync of `directory` that succeeded, in milliseconds since 1970. */
  syncedAt(directory: string): number
  /** A name for a temporary file that nobody else uses. */
  temporaryName(): string
}

/** The upload's lock is taken: ask again a little later. A value, because it is no failure. */
export interface Busy {
  readonly busy: true
  /** A request of another process holds it and has to be asked to let go. */
  readonly held: boolean
}

export const BUSY: Busy = { busy: true, held: false }
export const HELD: Busy = { busy: true, held: true }

export function isBusy(result: unknown): result is Busy {
  return typeof result === 'object' && result !== null && 'busy' in result
}

/** An error as it crosses the thread border. */
export interface IoFailure {
  readonly code: UploadError['code']
  readonly message: string
  readonly offset?: number | undefined
  readonly cause?: string | undefined
}

export function fromFailure({ code, message, offset, cause }: IoFailure): UploadError {
  return new UploadError(code, message, {
    ...(offset !== undefined && { offset }),
    ...(cause !== undefined && { cause: new Error(cause) }),
  })
}

export type IoReply =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly failure: IoFailure }

const FULL = new Set(['ENOSPC', 'EDQUOT'])

/** What storage calls throw becomes an `UploadError` that says which call failed and how. */
export function toUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException
  if (FULL.has(code)) {
    return new UploadError('ERR_INSUFFICIENT_STORAGE', 'no space is left for this upload', {
      cause: error,
    })
  }
  return new UploadError('ERR_STORAGE', `storage failed: ${syscall} ${code}`.trim(), {
    cause: error,
  })
}

export function isFull(error: unknown): boolean {
  return toUploadError(error).code === 'ERR_INSUFFICIENT_STORAGE'
}

/** What was written to `fd` in this call. */
export function dataOf(fd: number): DataBarrier {
  return { sync: 'data', fd, earlier: false }
}

/**
 * The same for what was written in calls before this one. The kernel may have failed at it meanwhile,
 * and tells only those descriptors that were open then.
 */
export function earlierDataOf(fd: number): DataBarrier {
  return { sync: 'data', fd, earlier: true }
}

/** Waits for all of them together: each wait costs a commit of the file system's journal. */
export function* sync(io: Io, barriers: readonly Barrier[]): Operation<void> {
  if (io.fsync && barriers.length > 0) yield barriers
}

/** Several, when something was moved from the last one to the others. */
export function* syncDirectory(io: Io, ...paths: readonly string[]): Operation<void> {
  yield* sync(
    io,
    paths.map((path) => ({ sync: 'directory', path })),
  )
}

const NOT_THERE = { ctimeMs: 0 }

/**
 * Syncs `directory` when the file at `path` may have been renamed into it since: whoever did so may
 * have died before its own sync, or seen it fail, and what stands there must not be told before.
 */
export function* settle(io: Io, directory: string, path: string): Operation<void> {
  if (!io.fsync) return
  const stats = statSync(path, { throwIfNoEntry: false }) ?? NOT_THERE
  if (!isOlder(stats, io.syncedAt(directory))) yield* syncDirectory(io, directory)
}

/** Opens `path` for reading and writing; `undefined` when it is not there. A link is no upload. */
export function openIfExists(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** An open file, and how long it was found to be. */
export interface OpenFile {
  readonly fd: number
  readonly size: number
}

/**
 * Opens and locks the file at `path`. A file that was moved or removed between the two is not
 * the one that was asked for, whatever its descriptor still reads.
 */
export function openLocked(io: Io, path: string): OpenFile | Busy | undefined {
  const fd = openIfExists(path)
  if (fd === undefined) return undefined
  try {
    const busy = io.posix.tryLock(fd) ? undefined : io.posix.isMarked(fd) ? HELD : BUSY
    const here = busy ? undefined : statIfStillAt(fd, path)
    if (here) return { fd, size: here.size }
    closeSync(fd)
    return busy
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** The same, for whom the descriptor is enough. */
export function lockFile(io: Io, path: string): number | Busy | undefined {
  const file = openLocked(io, path)
  return file === undefined || isBusy(file) ? file : file.fd
}

export function isStillAt(fd: number, path: string): boolean {
  return statIfStillAt(fd, path) !== undefined
}

function statIfStillAt(fd: number, path: string): Stats | undefined {
  const there = statSync(path, { throwIfNoEntry: false })
  const here = fstatSync(fd)
  return there?.ino === here.ino && there.dev === here.dev ? here : undefined
}

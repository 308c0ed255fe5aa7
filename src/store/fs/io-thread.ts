/**
 * An I/O thread: runs all calls of a message side by side, stage by stage, so that calls which
 * wait for the same directory share one sync.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import {
  type Barrier,
  type DataBarrier,
  type DirectoryBarrier,
  type Io,
  type IoReply,
  type Operation,
  toUploadError,
} from './io-call.ts'
import { OPERATIONS, type OperationName } from './operations.ts'
import { loadPosix, PORTABLE } from './posix.ts'
import { SharedMoment, SyncTimes } from './sync-times.ts'

/** What the pool tells each thread at its start. */
export interface IoThreadData {
  readonly directory: string
  readonly fsync: boolean
  readonly native: boolean
  /** Where the thread tells when it last synced `directory`. */
  readonly synced: SharedArrayBuffer
}

/** One call as the pool sends it. */
export interface IoCall {
  readonly name: OperationName
  readonly args: unknown
}

interface Job {
  /** Its place in the message. */
  readonly call: number
  readonly operation: Operation<unknown>
  /** What it waits for. */
  barriers: readonly Barrier[]
}

const NONE: readonly Barrier[] = []

const { directory, fsync, native, synced } = workerData as IoThreadData
const token = randomUUID()
const directories = new Map<string, number>()
const syncTimes = new SyncTimes()
const lastSync = new SharedMoment(synced)
let temporaries = 0

const io: Io = {
  directory,
  fsync,
  posix: native ? loadPosix() : PORTABLE,
  syncedAt: (path) => syncTimes.of(path),
  temporaryName: () => `${token}.${++temporaries}`,
}

parentPort?.on('message', (calls: readonly IoCall[] | null) => {
  if (calls === null) return end()
  let jobs: Job[] = calls.map(({ name, args }, call) => ({
    call,
    operation: (OPERATIONS[name] as (io: Io, args: unknown) => Operation<unknown>)(io, args),
    barriers: NONE,
  }))
  while (jobs.length > 0) {
    const replies: IoReply[] = []
    jobs = jobs.filter((job) => advance(job, replies))
    if (replies.length > 0) parentPort?.postMessage(replies)
    syncAll(jobs)
  }
})

/** Nobody else would close these: the pool's threads do not own descriptors. */
function end(): void {
  for (const fd of directories.values()) closeSync(fd)
  parentPort?.close()
}

/** Runs a job up to its next barriers; false when it has ended. */
function advance(job: Job, replies: IoReply[]): boolean {
  const { call, operation, barriers } = job
  try {
    const failed = barriers.find(({ failure }) => failure !== undefined)
    const step = failed ? operation.throw(failed.failure) : operation.next()
    if (!step.done) {
      job.barriers = step.value
      return true
    }
    replies.push({ call, value: step.value })
  } catch (error) {
    const { code, message, offset, cause } = toUploadError(error)
    replies.push({
      call,
      failure: { code, message, offset, cause: cause instanceof Error ? cause.message : undefined },
    })
  }
  return false
}

/** From so many files on, one sync of everything is less work than one of each. */
const SYNC_ALL_FROM = 8

/** Files first: an entry must not become durable before what it names. */
function syncAll(jobs: readonly Job[]): void {
  const fresh: DataBarrier[] = []
  const earlier: DataBarrier[] = []
  const entries = new Map<string, DirectoryBarrier[]>()
  for (const { barriers } of jobs) {
    for (const barrier of barriers) {
      if (barrier.sync === 'data') (barrier.earlier ? earlier : fresh).push(barrier)
      else if (!entries.get(barrier.path)?.push(barrier)) entries.set(barrier.path, [barrier])
    }
  }
  // The first of them was opened before any of them was written: it hears of every failure.
  const [first] = fresh
  if (first && fresh.length >= SYNC_ALL_FROM && syncFileSystem(first.fd)) fresh.length = 0
  for (const barrier of [...fresh, ...earlier]) attempt([barrier], () => fdatasyncSync(barrier.fd))
  syncDirectories(entries)
}

/** What uploads move out of comes last: an entry must be elsewhere for good before it is gone for good. */
function syncDirectories(entries: ReadonlyMap<string, readonly DirectoryBarrier[]>): void {
  for (const [path, group] of entries) {
    if (path !== directory) attempt(group, () => syncDirectory(path))
  }
  attempt(entries.get(directory) ?? [], () => syncDirectory(directory))
}

/** All files are on one file system. When that fails, a sync of each tells whose failure it is. */
function syncFileSystem(fd: number): boolean {
  try {
    io.posix.syncAll?.(fd)
    return io.posix.syncAll !== undefined
  } catch {
    return false
  }
}

function attempt(barriers: readonly Barrier[], sync: () => void): void {
  if (barriers.length === 0) return
  try {
    sync()
  } catch (failure) {
    for (const barrier of barriers) barrier.failure = failure
  }
}

/** The two directories are synced all the time and stay open; what lies in `.tussi/` does not. */
function syncDirectory(path: string): void {
  const kept = directories.get(path)
  const fd = kept ?? openSync(path, 'r')
  const keep = !path.includes('/.tussi/')
  if (keep) directories.set(path, fd)
  try {
    if (keep) {
      const began = syncTimes.record(path, () => fsyncSync(fd))
      if (path === directory) lastSync.set(began)
    } else fsyncSync(fd)
  } finally {
    if (!keep) closeSync(fd)
  }
}

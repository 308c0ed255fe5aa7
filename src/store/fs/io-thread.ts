/**
 * An I/O thread: runs all calls of a message side by side, stage by stage, so that calls which
 * wait for the same directory share one sync.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { type Barrier, type Io, type IoReply, type Operation, toUploadError } from './io-call.ts'
import { OPERATIONS, type OperationName } from './operations.ts'
import { loadPosix, PORTABLE } from './posix.ts'
import { SyncTimes } from './sync-times.ts'

/** What the pool tells each thread at its start. */
export interface IoThreadData {
  readonly directory: string
  readonly fsync: boolean
  readonly native: boolean
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
  barrier?: Barrier
  failure?: unknown
}

const { directory, fsync, native } = workerData as IoThreadData
const token = randomUUID()
const directories = new Map<string, number>()
const syncTimes = new SyncTimes()
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

/** Runs a job up to its next barrier; false when it has ended. */
function advance(job: Job, replies: IoReply[]): boolean {
  const { call, operation, failure } = job
  try {
    delete job.failure
    const step = failure === undefined ? operation.next() : operation.throw(failure)
    if (!step.done) {
      job.barrier = step.value
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
  const waiting = new Map<string, Job[]>()
  const fresh: [Job, number][] = []
  const alone: [Job, number][] = []
  for (const job of jobs) {
    const { barrier } = job
    if (barrier?.sync === 'data') (barrier.earlier ? alone : fresh).push([job, barrier.fd])
    if (barrier?.sync !== 'directory') continue
    const group = waiting.get(barrier.path)
    if (group) group.push(job)
    else waiting.set(barrier.path, [job])
  }
  // The first of them was opened before any of them was written: it hears of every failure.
  const [first] = fresh
  if (first && fresh.length >= SYNC_ALL_FROM && syncFileSystem(first[1])) fresh.length = 0
  for (const [job, fd] of [...fresh, ...alone]) attempt([job], () => fdatasyncSync(fd))
  for (const [path, group] of waiting) attempt(group, () => syncDirectory(path))
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

function attempt(jobs: readonly Job[], sync: () => void): void {
  try {
    sync()
  } catch (failure) {
    for (const job of jobs) job.failure = failure
  }
}

/** The two directories are synced all the time and stay open; what lies in `.tussi/` does not. */
function syncDirectory(path: string): void {
  const kept = directories.get(path)
  const fd = kept ?? openSync(path, 'r')
  const keep = !path.includes('/.tussi/')
  if (keep) directories.set(path, fd)
  try {
    if (keep) syncTimes.record(path, () => fsyncSync(fd))
    else fsyncSync(fd)
  } finally {
    if (!keep) closeSync(fd)
  }
}

/**
 * The pool of I/O threads: one message carries all calls that wait. A pool without calls does not
 * keep the process alive.
 *
 * @module
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { UploadError } from '../../errors.ts'
import { whenGathered } from './gather.ts'
import { type Busy, fromFailure, type IoReply, isBusy } from './io-call.ts'
import type { IoCall, IoThreadData } from './io-thread.ts'
import type { FreeResult, OperationArgs, OperationName, OperationResult } from './operations.ts'
import type { StopRequest } from './stop-requests.ts'
import { SharedMoment } from './sync-times.ts'

/** Two, so that a slow sync in one leaves the other for those who do not wait for it. */
const THREADS = 2
/**
 * So long the second waits for the first. While calls gather they share a message, a wake-up and
 * their syncs: measured, two threads that take turns need an eighth more time for each small upload.
 */
const SLOW_MS = 5
/** How long an upload may stay locked before its newcomer is sent away, and how soon to ask again. */
const LOCK_TIMEOUT_MS = 5000
const LOCK_RETRY_MS = [1, 2, 5, 10, 20, 50] as const
/** How soon to ask its holder again: between two looks it may have become somebody else's. */
const ASK_AGAIN_MS = 250

interface Caller {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: UploadError) => void
}

interface Thread {
  readonly worker: Worker
  /** Of its last message, by their places in it; a reply takes its own out. */
  callers: (Caller | undefined)[]
  unanswered: number
  /** When it got its last message. */
  busySince: number
  readonly synced: SharedMoment
}

export class IoPool {
  readonly fsync: boolean
  readonly #data: Omit<IoThreadData, 'synced'>
  readonly #threads: Thread[] = []
  // Filled by `push`: the arrays that `map` makes may have holes, and those cross threads key by key.
  #calls: IoCall[] = []
  #callers: Caller[] = []
  #scheduled = false
  #slow: NodeJS.Timeout | undefined
  #closed = false

  constructor(data: Omit<IoThreadData, 'synced'>) {
    this.#data = data
    this.fsync = data.fsync
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** When the directory was last synced, in milliseconds since 1970. */
  get syncedAt(): number {
    return Math.max(...this.#threads.map(({ synced }) => synced.time))
  }

  /** Runs one operation. Rejects with an `UploadError`. */
  run<N extends OperationName>(name: N, args: OperationArgs<N>): Promise<OperationResult<N>> {
    return new Promise((resolve, reject) => {
      this.#call({ name, args }, { resolve: resolve as Caller['resolve'], reject })
    })
  }

  #call(call: IoCall, caller: Caller): void {
    if (this.#closed) {
      caller.reject(new UploadError('ERR_SHUTTING_DOWN', 'the storage is closed'))
      return
    }
    this.#calls.push(call)
    this.#callers.push(caller)
    this.#schedule()
  }

  /**
   * Runs an operation again until nobody else holds its upload. While that is a request of another
   * process it is asked to let go.
   *
   * @throws `ERR_UPLOAD_LOCKED`
   */
  untilFree<N extends OperationName>(
    name: N,
    args: OperationArgs<N>,
    asking?: StopRequest,
  ): Promise<FreeResult<N>> {
    return new Promise((resolve, reject) => {
      // Mostly it is free, and then this is all: no function that waits between the caller and the thread.
      const free = (result: unknown): void => {
        resolve(isBusy(result) ? this.#wait(name, args, result, asking) : (result as FreeResult<N>))
      }
      this.#call({ name, args }, { resolve: free, reject })
    })
  }

  async #wait<N extends OperationName>(
    name: N,
    args: OperationArgs<N>,
    first: Busy,
    asking: StopRequest | undefined,
  ): Promise<FreeResult<N>> {
    try {
      return await this.#again(name, args, first, asking)
    } finally {
      await asking?.takeBack()
    }
  }

  async #again<N extends OperationName>(
    name: N,
    args: OperationArgs<N>,
    first: Busy,
    asking: StopRequest | undefined,
  ): Promise<FreeResult<N>> {
    const deadline = performance.now() + LOCK_TIMEOUT_MS
    let askAt = 0
    let result: unknown = first
    for (let attempt = 0; isBusy(result); attempt++) {
      const now = performance.now()
      if (result.held && now >= askAt) {
        asking?.ask()
        askAt = now + ASK_AGAIN_MS
      }
      if (now >= deadline) {
        throw new UploadError('ERR_UPLOAD_LOCKED', 'another process is writing to this upload', {
          retryAfterSeconds: 1,
        })
      }
      await delay(LOCK_RETRY_MS[Math.min(attempt, LOCK_RETRY_MS.length - 1)])
      result = await this.run(name, args)
    }
    return result as FreeResult<N>
  }

  /** Waits for the calls under way and ends the threads. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#calls.length > 0 || this.#threads.some(({ unanswered }) => unanswered > 0)) {
      await delay(1)
    }
    await Promise.all(
      this.#threads.splice(0).map(({ worker }) => {
        worker.ref()
        worker.postMessage(null)
        return once(worker, 'exit')
      }),
    )
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    const dispatch = (): void => {
      this.#scheduled = false
      this.#dispatch()
    }
    whenGathered(() => this.#calls.length, dispatch)
  }

  #dispatch(): void {
    if (this.#calls.length === 0) return
    let thread: Thread | undefined
    try {
      thread = this.#idleThread()
    } catch (cause) {
      this.#refuse(cause)
      return
    }
    if (!thread) return
    const calls = this.#calls
    thread.callers = this.#callers
    this.#calls = []
    this.#callers = []
    thread.unanswered = calls.length
    thread.busySince = performance.now()
    thread.worker.ref()
    thread.worker.postMessage(calls)
  }

  /** A thread cannot be started: those that run go on alone; without any, callers are told. */
  #refuse(cause: unknown): void {
    if (this.#threads.length > 0) return
    const error = new UploadError('ERR_STORAGE', 'no I/O thread can be started', { cause })
    this.#calls = []
    for (const caller of this.#callers.splice(0)) caller.reject(error)
  }

  #idleThread(): Thread | undefined {
    const [first] = this.#threads
    if (first && first.unanswered > 0 && performance.now() - first.busySince < SLOW_MS) {
      this.#slow ??= setTimeout(() => {
        this.#slow = undefined
        this.#dispatch()
      }, SLOW_MS)
      return undefined
    }
    const idle = this.#threads.find(({ unanswered }) => unanswered === 0)
    if (idle || this.#threads.length >= THREADS) return idle
    return this.#startThread()
  }

  #startThread(): Thread {
    const synced = new SharedMoment()
    const worker = new Worker(new URL('./io-thread.js', import.meta.url), {
      workerData: { ...this.#data, synced: synced.memory },
      // Descriptors belong to the pool: a thread that ends must not close what the main one uses.
      trackUnmanagedFds: false,
      // Flags of the main script, such as --input-type, are not meant for this one.
      execArgv: [],
    })
    const thread: Thread = { worker, callers: [], unanswered: 0, busySince: 0, synced }
    worker.unref()
    worker.on('message', (replies: readonly IoReply[]) => this.#settle(thread, replies))
    worker.on('error', (error) => this.#bury(thread, error))
    worker.on('exit', (code) => this.#bury(thread, new Error(`I/O thread ended with ${code}`)))
    this.#threads.push(thread)
    return thread
  }

  #settle(thread: Thread, replies: readonly IoReply[]): void {
    for (const reply of replies) {
      const caller = thread.callers[reply.call]
      thread.callers[reply.call] = undefined
      thread.unanswered--
      if ('value' in reply) caller?.resolve(reply.value)
      else caller?.reject(fromFailure(reply.failure))
    }
    if (thread.unanswered > 0) return
    thread.worker.unref()
    this.#dispatch()
  }

  /** What a dead thread had begun is unknown: its callers are told so and ask the disk again. */
  #bury(thread: Thread, cause: unknown): void {
    const index = this.#threads.indexOf(thread)
    if (index < 0) return
    this.#threads.splice(index, 1)
    const error = new UploadError('ERR_STORAGE', 'an I/O thread died', { cause })
    for (const caller of thread.callers) caller?.reject(error)
    this.#dispatch()
  }
}

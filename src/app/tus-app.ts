/** The application object: composition only, it holds no rule. @module */
import type { Server } from 'node:http'
import type { AttachOptions } from '../adapters/attach.ts'
import { UPLOAD_CHANNEL } from '../adapters/diagnostics.ts'
import type { FetchListener } from '../adapters/fetch.ts'
import type { NodeListener } from '../adapters/node.ts'
import { UploadError } from '../errors.ts'
import { resolveCors } from '../http/cors.ts'
import { createHandler } from '../http/handler.ts'
import { createProxyTrust } from '../http/trusted-proxies.ts'
import { consoleLogger, type Logger } from '../logger.ts'
import { resolveOptions, type TusAppOptions } from '../options.ts'
import { isUploadId } from '../protocol/upload-id.ts'
import type { CompletedUpload } from '../queue/completed-upload.ts'
import { type WaitForFileOptions, waitForFile } from '../queue/wait-for-file.ts'
import { type WorkHandler, type WorkOptions, work } from '../queue/work.ts'
import type { CompletedQueue } from '../store/completed-queue.ts'
import { assemble } from '../upload/assemble.ts'
import { Concurrency } from '../upload/concurrency.ts'
import { EventFeed } from '../upload/event-feed.ts'
import type { TusEvent } from '../upload/events.ts'
import { followProgress, type UploadProgress } from '../upload/follow-progress.ts'
import { Holders } from '../upload/holders.ts'
import { lookUp, peek } from '../upload/look-up.ts'
import { stop } from '../upload/refuse.ts'
import { RunningDigests } from '../upload/running-digests.ts'
import type { Uploads } from '../upload/uploads.ts'
import type { CloseOptions, FollowOptions, StopOptions } from './call-options.ts'
import { type Entrances, openEntrances } from './entrances.ts'
import { extensionsOf } from './extensions.ts'

/**
 * A tus 1.0.0 upload server to be mounted at any path of an HTTP server.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { FilesystemStorage, TusApp } from 'tussi'
 *
 * const storage = new FilesystemStorage({ directory: './uploads' })
 * const tus = new TusApp({ storage, completedDir: './completed' })
 * createServer(tus.listener).listen(8080)
 *
 * const upload = await tus.waitForFile()
 * try {
 *   await upload.save('./dest/')
 * } finally {
 *   await upload.acknowledge()
 * }
 * ```
 */
export class TusApp {
  /** For `node:http`, `node:https`, `node:http2`, Express and Connect. Bound: pass it on as it is. */
  readonly listener: NodeListener
  /**
   * The same for the `checkContinue` event of a server: a client that sends `Expect: 100-continue`
   * is refused before it has sent its body.
   */
  readonly checkContinue: NodeListener
  /** For everything that speaks the Fetch API. Bound. */
  readonly fetch: FetchListener
  readonly #queue: CompletedQueue
  readonly #uploads: Uploads
  readonly #holders = new Holders()
  readonly #closing = new AbortController()
  readonly #logger: Logger
  readonly #entrances: Entrances

  /** @throws `TypeError` for a wrong option, `ERR_DIRECTORY` for a directory that cannot be used */
  constructor(options: TusAppOptions) {
    const resolved = resolveOptions(options)
    const { storage, completedDir, onCreate, onEvent, logger = consoleLogger } = options
    const cors = resolveCors(options.cors, logger)
    const { admission, expiration } = resolved
    const expiry = expiration && { sliding: true, ...expiration }
    const isTrustedProxy = createProxyTrust(resolved.trustedProxies)
    this.#queue = storage.openQueue(completedDir)
    this.#logger = logger
    storage.onStopRequest?.((id) => this.#holders.stop(id))
    const feed = new EventFeed({ handler: onEvent, channel: UPLOAD_CHANNEL, logger })
    this.#uploads = {
      storage,
      queue: this.#queue,
      holders: this.#holders,
      feed,
      emit: feed.emit,
      logger,
      onCreate,
      onComplete: options.onComplete,
      sniff: options.sniff,
      digests: new RunningDigests({ all: resolved.sha256 }),
      expiry,
      maxSize: typeof admission.maxSize === 'number' ? admission.maxSize : null,
      quota: null,
      maxChunkSize: resolved.maxChunkSize,
      minima: admission.minima,
      filenameCharset: resolved.filenameCharset,
      progressIntervalMs: resolved.progressIntervalMs,
      idleTimeoutMs: resolved.idleTimeoutMs,
      minBytesPerSecond: resolved.minBytesPerSecond,
    }
    const handle = createHandler({
      uploads: this.#uploads,
      admission: { ...admission, concurrency: new Concurrency(admission) },
      extensions: extensionsOf(storage, { expires: expiry !== null }),
      maxMetadataSize: resolved.maxMetadataSize,
      publicUrl: resolved.publicUrl,
      cors,
      isTrustedProxy,
      informational: resolved.informational,
      logger,
    })
    this.#entrances = openEntrances(handle, resolved, logger)
    this.listener = this.#entrances.listener
    this.checkContinue = this.#entrances.checkContinue
    this.fetch = this.#entrances.fetch
  }

  /**
   * Answers requests under `path` itself, on the connections of `server`: the same answers, without the
   * objects that `node:http` makes for each. The `request` event of the server, and so every
   * middleware, sees only what is not in the common form: bodies in chunks, `Expect`, other paths and
   * methods, and all that follows on the same connection. For these `listener` and `checkContinue`
   * stay needed. The connections end with the server.
   *
   * @throws `TypeError` for what is no server of `node:http`
   * @example
   * ```ts
   * import { createServer } from 'node:http'
   *
   * const server = createServer({ requestTimeout: 0 }, tus.listener)
   * server.on('checkContinue', tus.checkContinue)
   * tus.attach(server, { path: '/files/' })
   * server.listen(8080)
   * ```
   */
  attach(server: Server, options: AttachOptions): void {
    this.#entrances.attach(server, options)
  }

  /**
   * Waits for a completed upload and claims it: it is this worker's alone until it ends by
   * `acknowledge`, `release` or disposal, or by the end of the process. Any number of workers in any
   * number of processes of one host may wait.
   *
   * @throws an error named `TimeoutError` after `timeoutMs`, the reason of `signal`,
   * `ERR_SHUTTING_DOWN` after `close`
   */
  async waitForFile(options: WaitForFileOptions = {}): Promise<CompletedUpload> {
    return waitForFile(this.#queue, options.timeoutMs, this.#until(options))
  }

  /**
   * Hands every completed upload to `handler` until it returns: then the upload is acknowledged. When
   * it throws, the upload is handed out again after `backoff`; after `maxAttempts` it is moved to
   * `dead/` with the reason. Attempts are kept in the record, and a worker that dies has made one.
   *
   * @returns a promise that resolves once `signal` has fired, or the app was closed, and all running
   * handlers have ended
   * @example
   * ```ts
   * await tus.work(async (upload) => {
   *   await upload.save('./dest/')
   * })
   * ```
   */
  async work(handler: WorkHandler, options: WorkOptions = {}): Promise<void> {
    const source = { queue: this.#queue, logger: this.#logger }
    return work(source, handler, options, this.#until(options))
  }

  /**
   * Follows an upload, whichever process on these directories receives it: where it stands, then each
   * change, at most one every `progressIntervalMs`, until it is complete or gone. A slow consumer gets the
   * latest only. Of an upload that is unknown or gone there is nothing, of a complete one its end.
   *
   * @example
   * ```ts
   * for await (const { offset, length } of tus.progress('0b6f0b0c-7a4e-4d8e-9a57-6f6f2d0f5a11')) {
   *   console.log(offset, length)
   * }
   * ```
   */
  progress(uploadId: string, options: FollowOptions = {}): AsyncIterableIterator<UploadProgress> {
    return followProgress(this.#uploads, uploadId, this.#until(options))
  }

  /**
   * Follows all events of this app, from the first `next` on. They do not wait for the consumer: of the
   * progress of one upload only the latest is kept for it, and of more than 1,000 events the oldest are
   * lost. What must not be lost belongs into `onEvent`, or a worker.
   */
  events(options: FollowOptions = {}): AsyncIterableIterator<TusEvent> {
    return this.#uploads.feed.follow(this.#until(options))
  }

  #until({ signal }: FollowOptions): AbortSignal[] {
    const closing = this.#closing.signal
    return signal ? [signal, closing] : [closing]
  }

  /**
   * Ends an upload by a word of the application. A request that writes to it is answered `status` with
   * `reason` at once, later ones as well, and its space is free.
   *
   * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_UPLOAD_LOCKED` while a worker holds it
   */
  async stop(id: string, reason: string, { status = 403 }: StopOptions = {}): Promise<void> {
    checkId(id)
    return stop(this.#uploads, id, { status, message: reason })
  }

  /**
   * Brings an upload into the queue that is complete and waits for its verdict, for `sniff`, `onComplete` or
   * `sha256` did not come to their end. For the option `complete` of the {@link Janitor}.
   *
   * @returns whether it is in the queue now
   * @throws `ERR_REFUSED` with the verdict, `ERR_UPLOAD_NOT_FOUND`
   */
  async complete(id: string): Promise<boolean> {
    checkId(id)
    const { notes } = await peek(this.#uploads, id)
    if (notes.concat?.parts) return (await assemble(this.#uploads, id)).state === 'completed'
    const release = await this.#holders.take(id, () => undefined)
    try {
      return (await lookUp(this.#uploads, id)).state === 'completed'
    } finally {
      release()
    }
  }

  /**
   * Ends the service: running bodies are interrupted, what arrived of them is recorded, new ones get
   * 503, and waiting workers are told. Clients resume elsewhere or later. The HTTP server and the
   * storage are the caller's to close, in this order: a HEAD that gets 503 makes some clients begin
   * anew.
   *
   * @returns whether every request had let go in time
   */
  async close({ timeoutMs = 10_000 }: CloseOptions = {}): Promise<boolean> {
    this.#closing.abort(new UploadError('ERR_SHUTTING_DOWN', 'the app was closed'))
    return this.#holders.close(timeoutMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Nothing but names of uploads reaches a storage. */
function checkId(id: string): void {
  if (!isUploadId(id)) throw new UploadError('ERR_UPLOAD_NOT_FOUND', 'this is no id of an upload')
}

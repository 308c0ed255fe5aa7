/** The Fetch API to the core, for Hono, Next.js, srvx, Bun and Deno. @module */
import { UploadError } from '../errors.ts'
import type { Fields, Handle } from '../http/exchange.ts'
import type { Batch } from '../store/storage.ts'
import type { AppendContent } from '../upload/receive.ts'
import { BodyBuffer } from './body-buffer.ts'
import type { ByteBudget } from './byte-budget.ts'
import { connectionReset } from './connection-reset.ts'

/** What a `Request` does not tell about its connection. */
export interface FetchContext {
  /** Address of the peer, for `trustedProxies`. Without it nobody is trusted. */
  readonly remoteAddress?: string | undefined
}

/** A Fetch handler. */
export type FetchListener = (request: Request, context?: FetchContext) => Promise<Response>

export function toFetchListener(handle: Handle, budget: ByteBudget): FetchListener {
  return async (request, { remoteAddress } = {}) => {
    const { pathname, search, protocol, host } = new URL(request.url)
    const content = new FetchContent(request, budget)
    const { status, headers, body } = await handle({
      method: request.method,
      target: pathname + search,
      scheme: protocol === 'https:' ? 'https' : 'http',
      authority: request.headers.get('host') ?? host,
      header: (name) => request.headers.get(name) ?? undefined,
      headers: () => Object.fromEntries(request.headers),
      content,
      remoteAddress,
    })
    content.discard()
    return new Response(body ?? null, { status, headers: toHeaders(headers) })
  }
}

/** Of two names that differ by their case the last one counts, as with node:http; `Response` would join them. */
function toHeaders(all: readonly Fields[]): Headers {
  const headers = new Headers()
  for (const fields of all) {
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
  }
  return headers
}

class FetchContent implements AppendContent {
  readonly #request: Request
  readonly #buffer: BodyBuffer
  readonly #signal: AbortSignal | undefined
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #paused = false
  #pumping = false

  constructor(request: Request, budget: ByteBudget) {
    this.#request = request
    // Some runtimes end the body of a client that has gone as if it had come to its end: where no length
    // gives it away, only the signal does, and that has to be asked for before.
    this.#signal = isOpenEnd(request) ? request.signal : undefined
    const source = {
      resume: () => {
        this.#paused = false
        void this.#pump()
      },
      pause: () => {
        this.#paused = true
      },
    }
    this.#buffer = new BodyBuffer(source, budget)
  }

  /** A Request does not say what of its body is here. */
  async arrived(): Promise<boolean> {
    return this.#request.body === null
  }

  read(timeoutMs?: number): Promise<Batch> {
    return this.#buffer.read(timeoutMs)
  }

  stop(reason: unknown): void {
    this.#buffer.fail(reason)
  }

  /** Lets the runtime drop what is still to come. */
  discard(): void {
    const { ended } = this.#buffer
    this.#buffer.close()
    if (!ended) this.#reader?.cancel().catch(() => undefined)
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      const reader = this.#open()
      while (reader && !this.#paused) {
        const { done, value } = await reader.read()
        if (done) this.#end()
        if (done) break
        this.#buffer.push(value)
      }
      if (!reader) this.#buffer.end()
    } catch (cause) {
      this.#buffer.fail(cause instanceof UploadError ? cause : connectionReset(cause))
    } finally {
      this.#pumping = false
    }
  }

  #end(): void {
    if (this.#signal?.aborted) this.#buffer.fail(connectionReset(this.#signal.reason))
    else this.#buffer.end()
  }

  #open(): ReadableStreamDefaultReader<Uint8Array> | undefined {
    if (this.#reader || this.#request.body === null) return this.#reader
    const { body, bodyUsed } = this.#request
    if (bodyUsed || body.locked) {
      throw new UploadError(
        'ERR_BODY_CONSUMED',
        'something has read the body of the Request, or is reading it: hand tussi one that is whole',
      )
    }
    this.#reader = body.getReader()
    return this.#reader
  }
}

function isOpenEnd({ method, headers }: Request): boolean {
  return method !== 'HEAD' && method !== 'GET' && !headers.has('content-length')
}

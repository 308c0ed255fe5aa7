/** Request bodies for the contract suites. @module */
import type { Batch, Content } from '../../src/store/storage.ts'

type Pieces = string | Uint8Array | readonly (string | Uint8Array)[]

/**
 * A body of the given batches; each is one piece or a list of pieces. Their buffers hold something else
 * once the next one is asked for, as those of a socket may.
 */
export function contentOf(...batches: readonly Pieces[]): Content {
  let before: Batch | undefined
  const left = batches.map((pieces, at) => batchOf(pieces, { last: at === batches.length - 1 }))
  if (left.length === 0) left.push(batchOf('', { last: true }))
  return {
    async read() {
      for (const piece of before?.pieces ?? []) piece.fill(0)
      const batch = left.shift()
      if (!batch) throw new TypeError('read after the last batch')
      before = batch
      return batch
    },
  }
}

/** A body that hands out the given batches and is cut off then. */
export function contentCutAfter(...batches: readonly Pieces[]): Content {
  const left = batches.map((pieces) => batchOf(pieces, { last: false }))
  return {
    async read() {
      const batch = left.shift()
      if (!batch) throw new Error('connection reset')
      return batch
    },
  }
}

/** A body whose sender is silent until the test lets it go on. */
export interface StalledContent extends Content {
  /** Resolves once somebody asks for bytes. */
  readonly asked: Promise<void>
  /** The sender goes on: one batch, the last. */
  send(pieces: Pieces): void
  /** The connection is gone. */
  cut(): void
}

/** Makes a {@link StalledContent}. */
export function stalledContent(): StalledContent {
  const asked = deferred<void>()
  const answer = deferred<Batch>()
  answer.promise.catch(() => {})
  return {
    asked: asked.promise,
    send: (pieces) => answer.resolve(batchOf(pieces, { last: true })),
    cut: () => answer.reject(new Error('connection reset')),
    async read(timeoutMs) {
      asked.resolve()
      if (timeoutMs === undefined) return answer.promise
      const silence = deferred<Batch>()
      const timer = setTimeout(silence.resolve, timeoutMs, batchOf('', { last: false }))
      return Promise.race([answer.promise, silence.promise]).finally(() => clearTimeout(timer))
    },
  }
}

/** A promise and its ends; Node 20 has no `Promise.withResolvers`. */
function deferred<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
} {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

function batchOf(pieces: Pieces, { last }: { readonly last: boolean }): Batch {
  const list = typeof pieces === 'string' || pieces instanceof Uint8Array ? [pieces] : pieces
  const bytes = list
    .map((piece) => Buffer.from(piece as Uint8Array))
    .filter((piece) => piece.byteLength > 0)
  return { pieces: bytes, byteLength: bytes.reduce((sum, b) => sum + b.byteLength, 0), last }
}

/** A server that remembers, and what clients do with it. @module */
import { join } from 'node:path'
import { Upload, type UploadOptions } from 'tus-js-client'
import type { TusEvent } from 'tussi'
import { type Served, type ServeOptions, serve, sha256, temporaryDirectory } from '../serve.ts'

/** What a request asked for. */
export interface Seen {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** A server that remembers what it was asked and what it told. */
export interface Watched extends Served {
  readonly root: string
  readonly requests: readonly Seen[]
  readonly events: readonly TusEvent[]
}

export async function serveWatched(options: ServeOptions = {}): Promise<Watched> {
  const root = await temporaryDirectory()
  const events: TusEvent[] = []
  const requests: Seen[] = []
  const served = await serve(root, { onEvent: (event) => void events.push(event), ...options })
  for (const event of ['request', 'checkContinue']) {
    served.server.on(event, ({ method, headers }: Seen) => requests.push({ method, headers }))
  }
  return { ...served, root, requests, events }
}

/** The library's types do not have `protocol`. */
export interface SendOptions extends Partial<UploadOptions> {
  readonly protocol?: string
}

/** Sends to the end; resolves with the upload's URL. */
export async function send(
  { url }: Pick<Served, 'url'>,
  source: ConstructorParameters<typeof Upload>[0],
  options: SendOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(source, {
      endpoint: url,
      retryDelays: [0, 50, 100, 200],
      onSuccess: () => resolve(upload.url ?? ''),
      onError: reject,
      ...options,
    })
    upload.start()
  })
}

/** Sends one chunk and leaves; resolves with the upload's URL. */
export function sendFirstChunk({ url }: Pick<Served, 'url'>, data: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(data, {
      endpoint: url,
      chunkSize: 1_000_000,
      onError: reject,
      onChunkComplete: () => {
        void upload.abort().then(() => resolve(upload.url ?? ''))
      },
    })
    upload.start()
  })
}

/** Cuts the connection in the middle of the first `cuts` bodies; tells the offsets of all. */
export function cutBodies({ server }: Pick<Served, 'server'>, cuts: number): readonly number[] {
  const offsets: number[] = []
  server.on('request', (req) => {
    if (req.method !== 'PATCH') return
    offsets.push(Number(req.headers['upload-offset']))
    if (offsets.length > cuts) return
    const { socket } = req
    const end = socket.bytesRead + 15_000_000
    const watch = setInterval(() => {
      if (socket.bytesRead > end) socket.destroy()
    }, 1)
    socket.once('close', () => clearInterval(watch))
  })
  return offsets
}

/** Takes the finished upload out of the queue. */
export async function receive(
  { tus }: Pick<Served, 'tus'>,
  root: string,
): Promise<{ sum: string; metadata: unknown }> {
  const upload = await tus.waitForFile({ timeoutMs: 5000 })
  const sum = await sha256(await upload.save(join(root, 'saved')))
  await upload.acknowledge()
  return { sum, metadata: upload.record.metadata }
}

/** What was told of one upload: its beginning, its bytes, its end. */
export function storyOf(events: readonly TusEvent[]): {
  readonly types: readonly string[]
  readonly bytes: number
} {
  const progress = events.filter((event) => event.type === 'upload-progress')
  return {
    types: events.filter((event) => event.type !== 'upload-progress').map(({ type }) => type),
    bytes: progress.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
  }
}

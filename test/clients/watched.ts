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

/** Sends to the end; resolves with the upload's URL. */
export async function send(
  { url }: Pick<Served, 'url'>,
  source: ConstructorParameters<typeof Upload>[0],
  options: Partial<UploadOptions> = {},
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

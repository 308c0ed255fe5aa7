/**
 * A client that never gives up and never trusts: it resumes after every break, and checks that no
 * offset it was ever told is taken back.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { metadata, TUS } from '../serve.ts'

/** How to send. */
export interface StubbornOptions {
  /** Where uploads are created; asked again for every request, for a server may have moved. */
  readonly url: string
  readonly name: string
  readonly data: Uint8Array
  readonly chunkSize: number
  readonly signal: AbortSignal
  /** After which a request counts as lost; without it the client waits for as long as it takes. */
  readonly timeoutMs?: number
}

/** What a server acknowledged and did not keep. */
class LostBytes extends Error {}

/**
 * Sends `data` however often the server dies; resolves with the URL of the upload once an answer has
 * acknowledged all of it.
 */
export async function sendStubbornly(options: StubbornOptions): Promise<string> {
  const { url, name, data, chunkSize, signal, timeoutMs } = options
  const patience = (): AbortSignal =>
    timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const location = await untilAnswered(signal, async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...TUS,
        'Upload-Length': `${data.length}`,
        'Upload-Metadata': metadata({ filename: name }),
      },
      signal: patience(),
    })
    await response.body?.cancel()
    return response.status === 201 ? (response.headers.get('location') ?? undefined) : undefined
  })
  let acknowledged = 0
  while (acknowledged < data.length) {
    const offset = await untilAnswered(signal, () => offsetAt(location, patience()))
    if (offset < acknowledged) {
      throw new LostBytes(`${name}: ${acknowledged} bytes were acknowledged, now ${offset}`)
    }
    acknowledged = offset
    if (offset === data.length) return location
    const body = data.subarray(offset, offset + chunkSize)
    const told = await append(location, offset, body, patience()).catch(() => undefined)
    signal.throwIfAborted()
    if (told !== undefined) acknowledged = Math.max(acknowledged, told)
  }
  return location
}

async function offsetAt(location: string, signal: AbortSignal): Promise<number | undefined> {
  const response = await fetch(location, { method: 'HEAD', headers: TUS, signal })
  if (response.status === 404) throw new LostBytes(`${location} is gone`)
  return response.status === 200 ? Number(response.headers.get('upload-offset')) : undefined
}

async function append(
  location: string,
  offset: number,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<number | undefined> {
  const response = await fetch(location, {
    method: 'PATCH',
    headers: {
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Offset': `${offset}`,
    },
    body: body as Uint8Array<ArrayBuffer>,
    signal,
  })
  // Unread, the body of a refusal would keep its connection.
  await response.body?.cancel()
  return response.status === 204 ? Number(response.headers.get('upload-offset')) : undefined
}

/** Asks until there is an answer: a server that was killed is back in a moment. */
async function untilAnswered<T>(
  signal: AbortSignal,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      if (signal.aborted || error instanceof LostBytes) throw error
    }
    await delay(10, undefined, { signal })
  }
}

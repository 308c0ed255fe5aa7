/** The end of an upload in the IETF protocol, where all bytes alone complete nothing. @module */
import { setTimeout as delay } from 'node:timers/promises'

/** The version that the library speaks as `ietf-draft-05`. */
const INTEROP = { 'Upload-Draft-Interop-Version': '6' }

/** An upload whose bytes are all with the server. */
export interface SentUpload {
  readonly url: string
  readonly size: number
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** How long to wait, each time that nobody answers. */
  readonly retryDelaysMs: readonly number[]
}

/**
 * Makes sure that the server has been told of the end. For the library an upload is done once the
 * server has all bytes; where the last request was lost after them, it would stay unfinished.
 *
 * @throws an error for people
 */
export async function completeRufh(upload: SentUpload): Promise<void> {
  const { url, size, headers } = upload
  const found = await ask(upload, { method: 'HEAD', headers: { ...headers, ...INTEROP } })
  if (found.headers.get('upload-complete') === '?1') return
  const last = {
    'Content-Type': 'application/partial-upload',
    'Upload-Complete': '?1',
    'Upload-Offset': `${size}`,
  }
  const ended = await ask(upload, { method: 'PATCH', headers: { ...headers, ...INTEROP, ...last } })
  if (ended.ok) return
  throw new Error(`the server answered ${ended.status} to the end of the upload ${url}`)
}

/** The server may be away for a moment. */
async function ask(
  { url, signal, retryDelaysMs }: SentUpload,
  init: RequestInit,
): Promise<Response> {
  for (const wait of retryDelaysMs) {
    const response = await fetch(url, { ...init, signal }).catch(() => undefined)
    if (response && response.status < 500 && response.status !== 423) return response
    await delay(wait, undefined, { signal })
  }
  throw new Error(`no connection to ${url} to end the upload`)
}

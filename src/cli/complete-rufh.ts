/** The end of an upload in the IETF protocol, where all bytes alone complete nothing. @module */
import { setTimeout as delay } from 'node:timers/promises'
import { describeAnswer } from './server-answer.ts'

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
  if (isPassing(found)) throw await failureOf(found, url)
  const last = {
    'Content-Type': 'application/partial-upload',
    'Upload-Complete': '?1',
    'Upload-Offset': `${size}`,
  }
  const ended = await ask(upload, { method: 'PATCH', headers: { ...headers, ...INTEROP, ...last } })
  if (ended.ok) return
  throw await failureOf(ended, url)
}

async function failureOf(answer: Response, url: string): Promise<Error> {
  const body = await answer.text().catch(() => '')
  return new Error(`${describeAnswer(answer.status, body)} (at the end of the upload ${url})`)
}

/** Trouble of the server, or of somebody else with the upload. */
function isPassing({ status }: Response): boolean {
  return status >= 500 || status === 423
}

/** The server may be away for a moment; its last word counts. */
async function ask(
  { url, signal, retryDelaysMs }: SentUpload,
  init: RequestInit,
): Promise<Response> {
  let last: Response | undefined
  for (const wait of retryDelaysMs) {
    const response = await fetch(url, { ...init, signal }).catch(() => undefined)
    if (response && !isPassing(response)) return response
    last = response
    await delay(wait, undefined, { signal })
  }
  if (last) return last
  throw new Error(`no connection to ${url} to end the upload`)
}

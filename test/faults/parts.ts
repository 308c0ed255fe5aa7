/** Uploads that are parts of another, and that other. @module */
import { TUS } from '../serve.ts'

/** Creates a part with all its bytes; resolves with its path. */
export async function createPart(url: string, data: Uint8Array): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...TUS,
      'Upload-Concat': 'partial',
      'Upload-Length': `${data.length}`,
      'Content-Type': 'application/offset+octet-stream',
    },
    body: data as Uint8Array<ArrayBuffer>,
  })
  return new URL(response.headers.get('location') ?? '').pathname
}

export function concatenate(url: string, parts: readonly string[]): Promise<Response> {
  const headers = { ...TUS, 'Upload-Concat': `final;${parts.join(' ')}` }
  return fetch(url, { method: 'POST', headers })
}

/** The upload that a row of the IETF protocol begins with. @module */
import type { ConformanceCase } from './conformance-case.ts'
import type { Send } from './exchange.ts'

/** The media type of an append. */
export const PARTIAL_UPLOAD = 'application/partial-upload'

/** Creates it, and resolves with its path. */
export async function arrangeRufh(
  send: Send,
  {
    length,
    sent = '',
    complete = false,
    terminated,
    fields: more,
  }: NonNullable<ConformanceCase['upload']>,
): Promise<string> {
  const { status, fields, body } = await send({
    method: 'POST',
    path: '/files/',
    fields: {
      'Upload-Complete': complete ? '?1' : '?0',
      ...(length !== null && { 'Upload-Length': `${length}` }),
      ...more,
    },
    body: Buffer.from(sent),
  })
  if (status !== 201 || !fields.location) throw new Error(`no upload to begin with: ${body}`)
  const path = new URL(fields.location, 'http://relative.test').pathname
  if (terminated) await send({ method: 'DELETE', path, fields: {} })
  return path
}

/** The fields of an append at `offset`, complete or not. */
export function appendAt(offset: number | string, complete: string): Record<string, string> {
  return {
    'Content-Type': PARTIAL_UPLOAD,
    'Upload-Offset': `${offset}`,
    'Upload-Complete': complete,
  }
}

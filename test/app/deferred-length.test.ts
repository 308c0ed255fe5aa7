/** Uploads without a length, whose files a refused request has made longer than they become. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { expect, it } from 'vitest'
import { serve, sha256, sha256Of, TUS, temporaryDirectory } from '../serve.ts'

const TUS_PATCH = { ...TUS, 'Content-Type': 'application/offset+octet-stream' }
const IETF_END = {
  'Upload-Draft-Interop-Version': '8',
  'Upload-Complete': '?1',
  'Content-Type': 'application/partial-upload',
}
const WRONG = { 'Upload-Checksum': `sha1 ${Buffer.alloc(20).toString('base64')}` }

/** Without a Content-Length, so that only the end of the body shows how long it is. */
async function patchChunked(
  url: string,
  fields: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<number | undefined> {
  const headers = { 'Transfer-Encoding': 'chunked', 'Upload-Offset': '0', ...fields }
  const sent = request(url, { method: 'PATCH', agent: false, headers })
  sent.end(body)
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode
}

const REFUSED = [
  ['goes beyond the length that it tells', { ...TUS_PATCH, 'Upload-Length': '1000' }, 2000, 413],
  ['ends before the length that it tells', { ...IETF_END, 'Upload-Length': '1000' }, 10, 400],
  ['has another checksum than it tells', { ...TUS_PATCH, ...WRONG }, 5_000_000, 460],
] as const

it.each(REFUSED)(
  'workers get no byte of a request that %s',
  async (_what, refused, length, status) => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    for (const fields of [{ ...TUS_PATCH, 'Upload-Length': '700' }, IETF_END]) {
      const headers = { ...TUS, 'Upload-Defer-Length': '1' }
      const created = await fetch(url, { method: 'POST', headers })
      const location = created.headers.get('location') ?? ''
      expect(await patchChunked(location, refused, randomBytes(length))).toBe(status)
      const data = randomBytes(700)
      expect(await patchChunked(location, fields, data)).toBeLessThan(300)
      const upload = await tus.waitForFile({ timeoutMs: 5000 })
      expect(await sha256(await upload.save(`${root}/${upload.name}`))).toBe(sha256Of(data))
      await upload.acknowledge()
    }
  },
)

/** What `authorize` keeps strangers from, over node:http and files. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { type TusAppOptions, UploadError } from 'tussi'
import { expect, it } from 'vitest'
import { beginRequest } from '../raw-request.ts'
import { createUpload, idOf, offsetOf, patch, serve, TUS, temporaryDirectory } from '../serve.ts'

const authorize: NonNullable<TusAppOptions['authorize']> = async ({ request }) => {
  const { 'x-user': user } = request.headers
  if (user !== undefined) return user
  throw new UploadError('ERR_REFUSED', 'who are you?', { status: 401 })
}
const ME = { 'X-User': 'me' }
const YOU = { 'X-User': 'you' }

/** Asks first whether the body may come; resolves with the status and whether it was asked for. */
async function expecting(
  url: string,
  method: string,
  fields: Readonly<Record<string, string>>,
): Promise<{ status: number | undefined; continued: boolean }> {
  const headers = {
    ...TUS,
    'Content-Type': 'application/offset+octet-stream',
    'Content-Length': '5',
    Expect: '100-continue',
    ...fields,
  }
  const sent = request(url, { method, agent: false, headers })
  let continued = false
  sent.on('continue', () => {
    continued = true
    sent.end('hello')
  })
  sent.on('error', () => undefined)
  sent.flushHeaders()
  const [response] = await once(sent, 'response')
  response.resume()
  sent.destroy()
  return { status: response.statusCode, continued }
}

it('is asked before a client that waits for 100 Continue may send its body', async () => {
  const { url } = await serve(await temporaryDirectory(), { authorize })
  const length = { 'Upload-Length': '5' }
  expect(await expecting(url, 'POST', length)).toEqual({ status: 401, continued: false })
  expect(await expecting(url, 'POST', { ...length, ...ME })).toEqual({
    status: 201,
    continued: true,
  })
  const location = await createUpload(url, 5, {}, ME)
  const offset = { 'Upload-Offset': '0' }
  expect(await expecting(location, 'PATCH', { ...offset, ...YOU })).toEqual({
    status: 403,
    continued: false,
  })
  expect(await expecting(location, 'PATCH', { ...offset, ...ME })).toEqual({
    status: 204,
    continued: true,
  })
})

it('keeps strangers from ending the request that writes', async () => {
  const { url } = await serve(await temporaryDirectory(), { authorize })
  const location = await createUpload(url, 10, {}, ME)
  const running = await beginRequest(location, {
    method: 'PATCH',
    length: 10,
    sent: Buffer.from('hello'),
    fields: ME,
  })
  await expect(offsetOf(location, YOU)).rejects.toThrow('HEAD: 403')
  expect((await patch(location, 0, randomBytes(3), YOU)).status).toBe(403)
  const termination = { method: 'DELETE', headers: { ...TUS, ...YOU } }
  expect((await fetch(location, termination)).status).toBe(403)
  running.socket.write('world')
  await expect.poll(running.answer).toMatch(/^HTTP\/1\.1 204 /)
})

it('refuses an upload whose owner nobody knows, and does not ask', async () => {
  const root = await temporaryDirectory()
  const before = await serve(root)
  const location = await createUpload(before.url, 5)
  await before.close()
  let calls = 0
  const counted = (): string => `${++calls}`
  const { url } = await serve(root, { authorize: counted })
  await expect(offsetOf(`${url}${idOf(location)}`)).rejects.toThrow('HEAD: 403')
  expect(calls).toBe(0)
})

it('refuses an upload whose record Python has written again', async () => {
  const { url, directory } = await serve(await temporaryDirectory(), { authorize })
  const location = await createUpload(url, 5, {}, ME)
  expect(await offsetOf(location, ME)).toBe(0)
  const path = join(directory, `${idOf(location)}.meta`)
  const { tussi: _, ...record } = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify(record))
  await expect(offsetOf(location, ME)).rejects.toThrow('HEAD: 403')
})

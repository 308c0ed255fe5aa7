/** The limits of how many uploads receive bodies at once. */
import { expect, it } from 'vitest'
import { beginRequest, type RawRequest } from '../raw-request.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  type Served,
  serve,
  temporaryDirectory,
} from '../serve.ts'

const HELLO = Buffer.from('hello')
const authorize = ({ request }: { request: { headers: Readonly<Record<string, string>> } }) =>
  request.headers['x-user']

/** A PATCH of which half has come in. */
async function begin({ storage }: Served, location: string, fields = {}): Promise<RawRequest> {
  const request = { method: 'PATCH', length: 10, sent: HELLO, fields } as const
  const begun = await beginRequest(location, request)
  const offset = async (): Promise<number> => (await storage.info(idOf(location))).offset
  await expect.poll(offset, { timeout: 5000 }).toBe(5)
  return begun
}

/** A PATCH that is refused; resolves with what the client is told. */
async function refusal(location: string, headers = {}) {
  const response = await patch(location, 0, HELLO, headers)
  const { code, detail } = (await response.json()) as { code: string; detail: string }
  return { status: response.status, after: response.headers.get('retry-after'), code, detail }
}

const TOO_MANY = { status: 503, after: '5', code: 'ERR_TOO_MANY_REQUESTS' }

it('refuses one body more than may come in at once, with when to come back', async () => {
  const served = await serve(await temporaryDirectory(), { maxConcurrentRequests: 1 })
  const { url } = served
  const [first, second] = [await createUpload(url, 10), await createUpload(url, 10)]
  const running = await begin(served, first)
  expect(await refusal(second)).toMatchObject(TOO_MANY)
  const withBody = { 'Content-Type': 'application/offset+octet-stream', 'Upload-Length': '5' }
  const created = await fetch(url, {
    method: 'POST',
    headers: { ...withBody, 'Tus-Resumable': '1.0.0' },
    body: HELLO,
  })
  expect(created.status).toBe(503)
  // What brings no body goes on.
  expect(await offsetOf(await createUpload(url, 10))).toBe(0)
  running.socket.write('world')
  await expect.poll(running.answer).toMatch(/^HTTP\/1\.1 204 /)
  await expect.poll(async () => (await patch(second, 0, HELLO)).status).toBe(204)
})

it('never keeps a client from the upload that its own dead connection holds', async () => {
  const served = await serve(await temporaryDirectory(), { maxConcurrentRequests: 1 })
  const location = await createUpload(served.url, 10)
  const dead = await begin(served, location)
  const other = await createUpload(served.url, 10)
  expect(await refusal(other)).toMatchObject(TOO_MANY)
  const response = await patch(location, 5, Buffer.from('world'))
  expect(response.status).toBe(204)
  await expect.poll(dead.answer).toMatch(/^HTTP\/1\.1 409 /)
})

it('counts each owner alone', async () => {
  const options = { authorize, maxConcurrentRequestsPerOwner: 1 }
  const served = await serve(await temporaryDirectory(), options)
  const { url } = served
  const [me, you] = [{ 'X-User': 'me' }, { 'X-User': 'you' }]
  const running = await begin(served, await createUpload(url, 10, {}, me), me)
  const mine = await createUpload(url, 10, {}, me)
  expect(await refusal(mine, me)).toMatchObject(TOO_MANY)
  const yours = await createUpload(url, 10, {}, you)
  expect((await patch(yours, 0, HELLO, you)).status).toBe(204)
  running.socket.destroy()
  await expect.poll(async () => (await patch(mine, 0, HELLO, me)).status).toBe(204)
})

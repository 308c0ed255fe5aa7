/**
 * draft-ietf-httpbis-resumable-upload, 4.1.1: an upload that has lost a part of its state is rejected, whatever
 * is asked of it. No client can make that happen, so the files are looked for and damaged.
 *
 * @module
 */
import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Send, TestResponse } from './exchange.ts'
import { appendAt, arrangeRufh } from './rufh-upload.ts'
import { type OpenApp, STORAGES } from './servers.ts'
import { sendToFetch } from './transports.ts'

/** What is lost, by the path of the data file. */
const LOSSES: Readonly<Record<string, (data: string) => Promise<void>>> = {
  'the last bytes': (data) => truncate(data, 3),
  'all bytes': (data) => rm(data),
  'the record': (data) => rm(`${data}.meta`),
  'a part of the record': (data) => truncate(`${data}.meta`, 20),
  'the sense of the record': (data) => writeFile(`${data}.meta`, '{}'),
}

describe.each(Object.entries(LOSSES))('an upload that has lost %s (rufh-20)', (_what, lose) => {
  it('tells no offset, and stays so', async () => {
    const { send, path } = await openLost(lose)
    for (const method of ['HEAD', 'GET', 'HEAD']) {
      const response = await ask(send, method, path)
      expect([404, 410, 500]).toContain(response.status)
      expect(response.fields['upload-offset']).toBeUndefined()
    }
  })

  it.each([3, 5])('takes no bytes at %d, and is never complete', async (offset) => {
    const { app, send, path } = await openLost(lose)
    for (const complete of ['?0', '?1']) {
      const body = 'x'.repeat(10 - offset)
      const response = await ask(send, 'PATCH', path, appendAt(offset, complete), body)
      expect([404, 410, 500]).toContain(response.status)
      expect(response.fields).toMatchObject({ 'upload-complete': '?0' })
      expect(response.fields['upload-offset']).toBeUndefined()
    }
    await expect(app.tus.waitForFile({ timeoutMs: 100 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
})

interface Lost {
  readonly app: OpenApp
  readonly send: Send
  readonly path: string
}

/** An upload of ten bytes that has received `hello`, and lost something since. */
async function openLost(lose: (data: string) => Promise<void>): Promise<Lost> {
  const app = await STORAGES.FilesystemStorage?.()
  if (!app) throw new Error('there is no such storage')
  onTestFinished(app.close)
  const send = sendToFetch('tussi.test', (request) => app.tus.fetch(request))
  const path = await arrangeRufh(send, { length: 10, sent: 'hello' })
  await lose(join(app.directory, path.slice(path.lastIndexOf('/') + 1)))
  return { app, send, path }
}

function ask(
  send: Send,
  method: string,
  path: string,
  fields: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<TestResponse> {
  const all = { 'Upload-Draft-Interop-Version': '8', ...fields }
  return send({ method, path, fields: all, ...(body && { body: Buffer.from(body) }) })
}

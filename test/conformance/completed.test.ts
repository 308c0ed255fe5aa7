/** A finished upload as its client sees it while a worker has it, and after. @module */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FieldExpectation } from './conformance-case.ts'
import type { Send, TestResponse } from './exchange.ts'
import { type OpenApp, type OpenAppFunction, STORAGES } from './servers.ts'
import { sendToFetch } from './transports.ts'

for (const [name, open] of Object.entries(STORAGES)) {
  describe(`completed uploads: ${name}`, () => describeCompleted(open))
}

const WHOLE: Readonly<Record<string, FieldExpectation>> = {
  'upload-offset': '5',
  'upload-length': '5',
  'upload-metadata': 'filename aGVsbG8=',
}

/** How far a worker has come with the upload when its client asks again. */
const STAGES: Readonly<Record<string, (app: OpenApp, directory: string) => Promise<void>>> = {
  'while it waits': async () => {},
  'while a worker has it': async ({ tus }) => {
    const upload = await tus.waitForFile()
    onTestFinished(() => upload.release())
  },
  'once a worker has saved it': async ({ tus }, directory) => {
    const upload = await tus.waitForFile()
    onTestFinished(() => upload.acknowledge())
    await upload.save(directory)
  },
  'once a worker has saved it and its record': async ({ tus }, directory) => {
    const upload = await tus.waitForFile()
    onTestFinished(() => upload.acknowledge())
    await upload.saveRecord(directory)
    await upload.save(directory)
  },
  'after a worker handed it back': async ({ tus }) => {
    await (await tus.waitForFile()).release()
  },
  'after a worker is done with it': async ({ tus }) => {
    await (await tus.waitForFile()).acknowledge()
  },
}

function describeCompleted(open: OpenAppFunction): void {
  describe.each(Object.entries(STAGES))('%s', (_name, reach) => {
    it('answers HEAD with the whole upload', async () => {
      const { app, send, path, directory } = await openCompleted(open)
      await reach(app, directory)
      expect(await head(send, path)).toMatchObject({ status: 200, fields: WHOLE })
    })

    it('answers the repeated last PATCH as the first time', async () => {
      const { app, send, path, directory } = await openCompleted(open)
      await reach(app, directory)
      expect(await patch(send, path, 0, 'hello')).toMatchObject({
        status: 204,
        fields: { 'upload-offset': '5' },
      })
    })

    it('refuses other bytes with the true offset', async () => {
      const { app, send, path, directory } = await openCompleted(open)
      await reach(app, directory)
      expect(await patch(send, path, 2, 'XX')).toMatchObject({
        status: 409,
        fields: { 'upload-offset': '5' },
      })
    })
  })

  it('hands an upload of length 0 to a worker', async () => {
    const { app, send, directory } = await openForTest(open)
    await create(send, 0)
    const upload = await app.tus.waitForFile()
    const path = await upload.save(directory)
    await upload.acknowledge()
    expect(await readFile(path, 'utf8')).toBe('')
  })

  it('hands over the bytes as they were sent', async () => {
    const { app, directory } = await openCompleted(open)
    const upload = await app.tus.waitForFile()
    const path = await upload.save(directory)
    await upload.acknowledge()
    expect(await readFile(path, 'utf8')).toBe('hello')
  })

  it('hands over nothing of an upload that was only refused', async () => {
    const { app, send } = await openForTest(open)
    const path = pathOf(await create(send, 5))
    await patch(send, path, 0, 'too long')
    await patch(send, path, 1, 'ello')
    await expect(app.tus.waitForFile({ timeoutMs: 200 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
}

interface Opened {
  readonly app: OpenApp
  readonly send: Send
  /** An empty directory to save to. */
  readonly directory: string
}

async function openForTest(open: OpenAppFunction): Promise<Opened> {
  const app = await open()
  onTestFinished(app.close)
  const directory = await mkdtemp(join(tmpdir(), 'tussi-saved-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return { app, send: sendToFetch('tussi.test', (request) => app.tus.fetch(request)), directory }
}

async function openCompleted(open: OpenAppFunction): Promise<Opened & { readonly path: string }> {
  const opened = await openForTest(open)
  const path = pathOf(await create(opened.send, 5))
  const last = await patch(opened.send, path, 0, 'hello')
  if (last.status !== 204) throw new Error(`not completed: ${last.status} ${last.body}`)
  return { ...opened, path }
}

function create(send: Send, length: number): Promise<TestResponse> {
  return send({
    method: 'POST',
    path: '/files/',
    fields: {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': `${length}`,
      'Upload-Metadata': 'filename aGVsbG8=',
    },
  })
}

function patch(send: Send, path: string, offset: number, body: string): Promise<TestResponse> {
  const fields = {
    'Tus-Resumable': '1.0.0',
    'Content-Type': 'application/offset+octet-stream',
    'Upload-Offset': `${offset}`,
  }
  return send({ method: 'PATCH', path, fields, body: Buffer.from(body) })
}

function head(send: Send, path: string): Promise<TestResponse> {
  return send({ method: 'HEAD', path, fields: { 'Tus-Resumable': '1.0.0' } })
}

function pathOf({ status, fields, body }: TestResponse): string {
  if (!fields.location) throw new Error(`no upload: ${status} ${body}`)
  return new URL(fields.location).pathname
}

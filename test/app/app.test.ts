import { randomBytes, randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FilesystemStorage, TusApp, type TusAppOptions, type TusEvent, UploadError } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createUpload,
  idOf,
  metadata,
  offsetOf,
  patch,
  serve,
  TUS,
  temporaryDirectory,
} from '../serve.ts'

function recorder() {
  const events: TusEvent[] = []
  const errors: string[] = []
  const logger = { info() {}, warn() {}, error: (message: string) => void errors.push(message) }
  return { events, errors, logger, onEvent: (event: TusEvent) => void events.push(event) }
}

async function options(change: object): Promise<TusAppOptions> {
  const root = await temporaryDirectory()
  const storage = new FilesystemStorage({ directory: join(root, 'uploads') })
  onTestFinished(() => storage.close())
  return { storage, completedDir: join(root, 'completed'), ...change } as TusAppOptions
}

describe('TusApp options', () => {
  it.each([
    [{ storage: undefined }, /storage/],
    [{ completedDir: '' }, /completedDir/],
    [{ maxSize: -1 }, /maxSize.*-1/],
    [{ maxSize: 1.5 }, /maxSize.*1\.5/],
    [{ authorize: 'me' }, /authorize.*me/],
    [{ quota: -1, authorize: () => 'me' }, /quota.*-1/],
    [{ quota: 100 }, /quota.*authorize/],
    [{ maxConcurrentRequests: 0 }, /maxConcurrentRequests.*0/],
    [{ maxConcurrentRequestsPerOwner: 1 }, /maxConcurrentRequestsPerOwner.*authorize/],
    [{ maxChunkSize: '10' }, /maxChunkSize/],
    [{ minSize: -1 }, /minSize.*-1/],
    [{ minSize: null }, /minSize.*null/],
    [{ minSize: 8, maxSize: 7 }, /minSize.*7.*8/],
    [{ minChunkSize: 1.5 }, /minChunkSize.*1\.5/],
    [{ minChunkSize: 8, maxChunkSize: 7 }, /minChunkSize.*7.*8/],
    [{ minChunkSize: 10_485_761 }, /minChunkSize.*10485761/],
    [{ maxMetadataSize: null }, /maxMetadataSize/],
    [{ idleTimeoutMs: 0 }, /idleTimeoutMs.*0/],
    [{ idleTimeoutMs: 2 ** 31 }, /idleTimeoutMs/],
    [{ progressIntervalMs: 0 }, /progressIntervalMs.*0/],
    [{ progressIntervalMs: 2 ** 31 }, /progressIntervalMs/],
    [{ cors: { origins: '*' } }, /cors\.origins/],
    [{ minBytesPerSecond: -1 }, /minBytesPerSecond/],
    [{ maxBufferedBytes: 0 }, /maxBufferedBytes/],
    [{ trustedProxies: '10.0.0.1' }, /trustedProxies/],
    [{ trustedProxies: ['nonsense'] }, /trustedProxies.*nonsense/],
    [{ filenameCharset: 'latin1' }, /filenameCharset.*latin1/],
    [{ publicUrl: 'files' }, /publicUrl.*files/],
    [{ cors: { credentials: true } }, /cors/],
    [{ onCreate: 'x' }, /onCreate/],
    [{ onEvent: 5 }, /onEvent/],
  ])('refuses %j by name', async (change, pattern) => {
    const given = await options(change)
    expect(() => new TusApp(given)).toThrow(TypeError)
    expect(() => new TusApp(given)).toThrow(pattern)
  })

  it.each([
    [{ directory: '' }, /directory/],
    [{ directory: undefined }, /directory/],
    [{ directory: '/tmp/x', directoryMode: -1 }, /directoryMode/],
  ])('FilesystemStorage refuses %j by name', (given, pattern) => {
    expect(() => new FilesystemStorage(given as { directory: string })).toThrow(pattern)
  })
})

describe('events', () => {
  it('come in order, with the bytes since the last one', async () => {
    const { events, onEvent } = recorder()
    const { url } = await serve(await temporaryDirectory(), { onEvent })
    const location = await createUpload(url, 10, { filename: 'a' })
    await patch(location, 0, randomBytes(4))
    await patch(location, 4, randomBytes(6))
    const uploadId = idOf(location)
    const facts = { uploadId, length: 10, metadata: { filename: 'a' } }
    expect(events).toEqual([
      { type: 'upload-created', ...facts },
      {
        type: 'upload-progress',
        bytesWritten: 4,
        uploadInfo: {
          ...facts,
          offset: 4,
          createdAt: expect.any(Date),
          lastWrite: expect.any(Date),
        },
      },
      expect.objectContaining({ type: 'upload-progress', bytesWritten: 6 }),
      {
        type: 'upload-completed',
        uploadInfo: expect.objectContaining({ ...facts, offset: 10 }),
      },
    ])
  })

  it('of a refused or repeated request are none', async () => {
    const { events, onEvent } = recorder()
    const { url } = await serve(await temporaryDirectory(), { onEvent })
    const location = await createUpload(url, 10)
    await patch(location, 5, randomBytes(1))
    await patch(location, 0, randomBytes(10))
    await patch(location, 0, randomBytes(10))
    expect(events.map(({ type }) => type)).toEqual([
      'upload-created',
      'upload-progress',
      'upload-completed',
    ])
  })

  it('are awaited one after the other', async () => {
    const log: string[] = []
    const onEvent = async ({ type }: TusEvent): Promise<void> => {
      log.push(`${type} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      log.push(`${type} ends`)
    }
    const { url } = await serve(await temporaryDirectory(), { onEvent })
    await patch(await createUpload(url, 1), 0, randomBytes(1))
    const types = ['upload-created', 'upload-progress', 'upload-completed']
    expect(log).toEqual(types.flatMap((type) => [`${type} begins`, `${type} ends`]))
  })

  it('change no answer when the handler fails, which is logged', async () => {
    const { errors, logger } = recorder()
    const onEvent = (): never => {
      throw new Error('handler')
    }
    const { url } = await serve(await temporaryDirectory(), { onEvent, logger })
    const location = await createUpload(url, 1)
    expect((await patch(location, 0, randomBytes(1))).status).toBe(204)
    expect(errors).toEqual([
      'onEvent failed on upload-created',
      'onEvent failed on upload-progress',
      'onEvent failed on upload-completed',
    ])
  })
})

describe('onCreate', () => {
  it('sees fields and metadata, and its answer is kept out of sight of the client', async () => {
    const seen: unknown[] = []
    const { url, tus } = await serve(await temporaryDirectory(), {
      onCreate: async (headers, values) => {
        seen.push(headers.authorization, values, Object.isFrozen(headers), Object.isFrozen(values))
        return { uploadedBy: 'me' }
      },
    })
    const location = await createUpload(url, 0, { a: 'b' }, { Authorization: 'Bearer x' })
    expect(seen).toEqual(['Bearer x', { a: 'b' }, true, true])
    const head = await fetch(location, { method: 'HEAD', headers: TUS })
    expect(head.headers.get('upload-metadata')).toBe(metadata({ a: 'b' }))
    await using upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.serverMetadata).toEqual({ uploadedBy: 'me' })
  })

  it.each([
    [
      'its own refusal',
      new UploadError('ERR_REFUSED', 'not you', { status: 402 }),
      402,
      'ERR_REFUSED',
    ],
    ['an error', new Error('/secret'), 500, 'ERR_SERVER_ERROR'],
    ['another code', new UploadError('ERR_UPLOAD_NOT_FOUND', 'x'), 500, 'ERR_SERVER_ERROR'],
  ])('that throws %s stores nothing', async (_what, thrown, status, code) => {
    const { logger } = recorder()
    const { url, directory } = await serve(await temporaryDirectory(), {
      logger,
      onCreate: () => {
        throw thrown
      },
    })
    const response = await fetch(url, { method: 'POST', headers: { ...TUS, 'Upload-Length': '5' } })
    expect(response.status).toBe(status)
    const body = await response.text()
    expect(JSON.parse(body)).toMatchObject({ code })
    expect(body).not.toContain('secret')
    expect(await readdir(directory)).toEqual(['.tussi'])
  })

  it('must return texts, and the log names the request that met the fault', async () => {
    const told: object[] = []
    const logger = {
      info() {},
      warn() {},
      error: (_: string, fields?: object) => told.push(fields ?? {}),
    }
    const onCreate = () => ({ n: 5 }) as unknown as Record<string, string>
    const { url } = await serve(await temporaryDirectory(), { onCreate, logger })
    await expect(createUpload(`${url}?token=secret`, 5)).rejects.toThrow(/500/)
    expect(told).toMatchObject([{ request: `POST ${new URL(url).pathname}` }])
  })
})

describe('close', () => {
  it('refuses newcomers with 503 and ends those who wait', async () => {
    const { url, tus } = await serve(await temporaryDirectory())
    const location = await createUpload(url, 5)
    const waiting = tus.waitForFile()
    const ended = expect(waiting).rejects.toMatchObject({ code: 'ERR_SHUTTING_DOWN' })
    expect(await tus.close()).toBe(true)
    await ended
    const response = await patch(location, 0, randomBytes(5))
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    await expect(tus.waitForFile()).rejects.toMatchObject({ code: 'ERR_SHUTTING_DOWN' })
  })
})

describe('an upload that nobody has created', () => {
  it('has no offset', async () => {
    const { url } = await serve(await temporaryDirectory())
    await expect(offsetOf(`${url}${randomUUID()}`)).rejects.toThrow('HEAD: 404')
  })
})

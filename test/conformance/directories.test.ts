/** Directories that cannot be used, and records that cannot be read. @module */
import { spawnSync } from 'node:child_process'
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FilesystemStorage, Janitor, TusApp } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Send } from './exchange.ts'
import { type OpenApp, STORAGES } from './servers.ts'
import { sendToFetch } from './transports.ts'

describe('directories', () => {
  it('makes the last level of both', async () => {
    const root = await temporaryDirectory()
    open(join(root, 'uploads'), join(root, 'completed'))
    await access(join(root, 'uploads'))
    await access(join(root, 'completed'))
  })

  it('refuses a storage directory below one that is missing', async () => {
    const root = await temporaryDirectory()
    const directory = join(root, 'missing', 'uploads')
    expect(() => new FilesystemStorage({ directory })).toThrow(refusalOf(directory))
  })

  it('refuses a completed directory below one that is missing', async () => {
    const root = await temporaryDirectory()
    const completedDir = join(root, 'missing', 'completed')
    expect(() => open(join(root, 'uploads'), completedDir)).toThrow(refusalOf(completedDir))
  })

  it('refuses a file', async () => {
    const root = await temporaryDirectory()
    const directory = join(root, 'uploads')
    await writeFile(directory, 'precious')
    expect(() => new FilesystemStorage({ directory })).toThrow(refusalOf(directory))
    expect(await readFile(directory, 'utf8')).toBe('precious')
  })

  it('refuses a completed directory that is a file', async () => {
    const root = await temporaryDirectory()
    const completedDir = join(root, 'completed')
    await writeFile(completedDir, 'precious')
    expect(() => open(join(root, 'uploads'), completedDir)).toThrow(refusalOf(completedDir))
  })

  it.each(['storage', 'completed'])(
    'refuses a %s directory that it may not write to',
    async (which) => {
      const root = await temporaryDirectory()
      const closed = join(root, 'closed')
      await mkdir(closed)
      await chmod(closed, 0o555)
      await chmod(root, 0o777)
      const other = join(root, 'other')
      const directories = which === 'storage' ? [closed, other] : [other, closed]
      const { code, message } = openAsNobody(...directories)
      expect(code).toBe('ERR_DIRECTORY')
      expect(message).toContain(closed)
    },
  )

  it('refuses one directory for both', async () => {
    const directory = join(await temporaryDirectory(), 'both')
    expect(() => open(directory, directory)).toThrow(refusalOf(directory))
  })

  it('refuses one directory for both by another name', async () => {
    const root = await temporaryDirectory()
    await mkdir(join(root, 'both'))
    await symlink(join(root, 'both'), join(root, 'alias'))
    expect(() => open(join(root, 'both'), join(root, 'alias'))).toThrow(
      expect.objectContaining({ code: 'ERR_DIRECTORY' }),
    )
  })

  it('refuses a storage directory inside the completed one', async () => {
    const root = await temporaryDirectory()
    await mkdir(join(root, 'completed'))
    expect(() => open(join(root, 'completed', 'uploads'), join(root, 'completed'))).toThrow(
      expect.objectContaining({ code: 'ERR_DIRECTORY' }),
    )
  })

  it('takes a completed directory inside the storage one', async () => {
    const root = await temporaryDirectory()
    const directory = join(root, 'uploads')
    const { tus } = open(directory, join(directory, '.completed'))
    const send = sendToFetch('tussi.test', tus.fetch)
    await patch(send, await create(send), 'helloworld')
    const upload = await tus.waitForFile()
    await upload.save(join(root, 'saved'))
    await upload.acknowledge()
    expect(await readFile(join(root, 'saved'), 'utf8')).toBe('helloworld')
  })

  it('refuses directories on two file systems, with the reason', async () => {
    const root = await temporaryDirectory()
    const elsewhere = await mkdtemp('/dev/shm/tussi-')
    onTestFinished(() => rm(elsewhere, { recursive: true, force: true }))
    expect((await stat(elsewhere)).dev).not.toBe((await stat(root)).dev)
    expect(() => open(join(root, 'uploads'), join(elsewhere, 'completed'))).toThrow(/file system/)
  })
})

describe('a record that is not JSON', () => {
  it('is answered with 500 and a code', async () => {
    const { send, path } = await openDamaged()
    const response = await send({ method: 'HEAD', path, fields: { 'Tus-Resumable': '1.0.0' } })
    expect(response).toMatchObject({ status: 500, fields: { 'tussi-error': 'ERR_CORRUPT_RECORD' } })
    expect(response.fields['upload-offset']).toBeUndefined()
  })

  it('is answered with 500 and a code when bytes come, and none is stored', async () => {
    const { send, path, data } = await openDamaged()
    const response = await patch(send, path, 'XXXXX')
    expect(response.status).toBe(500)
    expect(JSON.parse(response.body)).toMatchObject({ code: 'ERR_CORRUPT_RECORD' })
    expect((await readFile(data)).subarray(0, 5).toString()).toBe('hello')
  })

  it('stays where it is, and so do the bytes', async () => {
    const { send, path, data, record } = await openDamaged()
    await send({ method: 'HEAD', path, fields: { 'Tus-Resumable': '1.0.0' } })
    expect(await readFile(record, 'utf8')).toBe('{"length": 10, "off')
    expect((await readFile(data)).subarray(0, 5).toString()).toBe('hello')
  })

  it('leaves other uploads alone', async () => {
    const { send } = await openDamaged()
    expect((await patch(send, await create(send), 'hello')).status).toBe(204)
  })

  it('is reported by the janitor, which deletes nothing', async () => {
    const { app, data, record, id } = await openDamaged()
    const reports: string[] = []
    const report = (message: string, details?: unknown): void => {
      reports.push(`${message} ${JSON.stringify(details)}`)
    }
    const janitor = new Janitor({
      storage: app.storage,
      completedDir: app.completedDir,
      staleUploadAgeMs: 0,
      logger: { error: report, warn: report, info: () => {} },
    })
    await janitor.run()
    expect(reports.join('\n')).toContain(id)
    await access(data)
    await access(record)
  })
})

/** Opens both; they end with the test. @throws where a directory cannot be used */
function open(directory: string, completedDir: string): { readonly tus: TusApp } {
  const storage = new FilesystemStorage({ directory, fsync: false })
  onTestFinished(() => storage.close())
  const tus = new TusApp({ storage, completedDir })
  onTestFinished(async () => {
    await tus.close()
  })
  return { tus }
}

/** What an unprivileged process hears when it opens the two. */
function openAsNobody(directory = '', completedDir = ''): { code?: string; message?: string } {
  const script = `
    import { FilesystemStorage, TusApp } from ${JSON.stringify(pathToFileURL(join(process.cwd(), 'dist/index.js')).href)}
    try {
      new TusApp({
        storage: new FilesystemStorage({ directory: ${JSON.stringify(directory)} }),
        completedDir: ${JSON.stringify(completedDir)},
      })
      console.log('{}')
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }))
    }
    process.exit()`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8', ...(process.getuid?.() === 0 && { uid: 65534, gid: 65534 }) },
  )
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout)
}

function refusalOf(path: string): unknown {
  return expect.objectContaining({
    code: 'ERR_DIRECTORY',
    message: expect.stringContaining(path),
  })
}

interface Damaged {
  readonly app: OpenApp
  readonly send: Send
  readonly path: string
  readonly id: string
  readonly data: string
  readonly record: string
}

/** An upload that has received `hello` and whose record was cut off since. */
async function openDamaged(): Promise<Damaged> {
  const app = await STORAGES.FilesystemStorage?.()
  if (!app) throw new Error('there is no such storage')
  onTestFinished(app.close)
  const send = sendToFetch('tussi.test', (request) => app.tus.fetch(request))
  const path = await create(send)
  await patch(send, path, 'hello')
  const id = path.slice(path.lastIndexOf('/') + 1)
  const data = join(app.directory, id)
  const record = `${data}.meta`
  await writeFile(record, '{"length": 10, "off')
  return { app, send, path, id, data, record }
}

async function create(send: Send): Promise<string> {
  const { fields } = await send({
    method: 'POST',
    path: '/files/',
    fields: { 'Tus-Resumable': '1.0.0', 'Upload-Length': '10' },
  })
  return new URL(fields.location ?? '').pathname
}

function patch(send: Send, path: string, body: string) {
  const fields = {
    'Tus-Resumable': '1.0.0',
    'Content-Type': 'application/offset+octet-stream',
    'Upload-Offset': '0',
  }
  return send({ method: 'PATCH', path, fields, body: Buffer.from(body) })
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tussi-directories-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

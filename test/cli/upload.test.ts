import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { UploadError } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { completeRufh } from '../../src/cli/complete-rufh.ts'
import { type Running, start } from '../run.ts'
import { serve, sha256, temporaryDirectory } from '../serve.ts'
import {
  expectOneLine,
  randomFile,
  runAsNobody,
  saved,
  serveScript,
  startServer,
  UPLOAD,
  upload,
} from './commands.ts'

/** The progress file once it names an upload. */
async function progressOf(cwd: string): Promise<Record<string, { uploadUrl?: string }>> {
  const path = join(cwd, 'tus-progress.json')
  await expect
    .poll(() =>
      stat(path).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  return JSON.parse(await readFile(path, 'utf8'))
}

function startUpload(cwd: string, flags: readonly string[]): Running {
  return start(process.execPath, [UPLOAD, ...flags], { cwd })
}

const PROTOCOLS = ['tus', 'rufh'] as const

describe('tussi-upload, asked', () => {
  it('shows its flags on one screen', async () => {
    const { code, stdout } = await upload(['--help'], await temporaryDirectory())
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })
})

describe('tussi-upload, told something wrong', () => {
  it.each([
    [['--bogus'], /unknown flag --bogus/],
    [['--protocol', 'ftp'], /--protocol must be tus or rufh, got ftp/],
    [['--url', 'ftp://example.org/'], /--url must be/],
    [['--url', 'nonsense'], /--url must be/],
    [['--chunk-size', '-1'], /--chunk-size must be/],
    [['--parallel', '0'], /--parallel must be/],
    [['--header', 'nonsense'], /--header must look like/],
    [['--header', 'A: b\r\nC: d'], /--header must look like/],
    [['--size', '5', 'file'], /--size goes without files/],
  ])('%j: one line and exit code 2', async (flags, pattern) => {
    const result = await upload(flags, await temporaryDirectory())
    expect(result.code).toBe(2)
    expectOneLine(result, pattern)
  })

  it.each([
    [['nowhere.bin'], /nowhere\.bin: there is no such file/],
    [['--file', '.'], /\.: not a file/],
  ])('%j: one line and exit code 1', async (flags, pattern) => {
    const result = await upload(flags, await temporaryDirectory())
    expect(result.code).toBe(1)
    expectOneLine(result, pattern)
  })

  it('keeps a progress file that it cannot read', async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'tus-progress.json'), '{"broken')
    await writeFile(join(cwd, 'a'), 'a')
    const result = await upload(['a'], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, /tus-progress\.json is no progress file/)
    expect(await readFile(join(cwd, 'tus-progress.json'), 'utf8')).toBe('{"broken')
  })
})

describe('tussi-upload, without the right to something', () => {
  it.each([
    ['--progress', '.', /\. cannot be read: EISDIR/],
    ['--progress', '/proc/progress', /\/proc\/progress cannot be written: ENOENT/],
  ])('%s %s: one line, and nothing is sent', async (flag, path, pattern) => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({ POST: [[201, { Location: '/files/1' }]] })
    await writeFile(join(cwd, 'a'), 'hello')
    const result = await upload(['--url', url, flag, path, 'a'], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, pattern)
    expect(requests).toEqual([])
  })

  it('says in one line that a progress file could not be written any more', async () => {
    const cwd = await temporaryDirectory()
    const folder = join(cwd, 'progress')
    await mkdir(folder)
    const { url, requests } = await serveScript(
      { POST: [[201, { Location: '/files/1' }]] },
      { before: () => rm(folder, { recursive: true, force: true }) },
    )
    await writeFile(join(cwd, 'a'), 'hello')
    const result = await upload(['--url', url, '--progress', 'progress/p.json', 'a'], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, /a: progress\/p\.json cannot be written: ENOENT/)
    expect(requests).toEqual(['POST'])
  })

  it('sends nothing of a file that it cannot read', async () => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({ POST: [[201, { Location: '/files/1' }]] })
    await chmod(cwd, 0o777)
    await writeFile(join(cwd, 'a'), 'hello', { mode: 0 })
    const result = await runAsNobody([UPLOAD, '--url', url, 'a'], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, /a: it cannot be read: EACCES/)
    expect(requests).toEqual([])
  })
})

describe('tussi-upload', () => {
  it.each(PROTOCOLS)(
    'sends files by %s, several at once, and leaves no progress behind',
    async (protocol) => {
      const cwd = await temporaryDirectory()
      const { url } = await startServer(cwd)
      const names = ['a.bin', 'b.bin', 'ü c.bin', 'empty']
      const sums = await Promise.all(
        names.map((name) => randomFile(join(cwd, name), name === 'empty' ? 0 : 3_000_000)),
      )
      const [first = '', ...rest] = names
      const how = ['--protocol', protocol, '--parallel', '3', '--chunk-size', '1000000']
      const flags = ['--url', url, ...how, '--file', first]
      const { code, stdout, stderr } = await upload([...flags, ...rest], cwd)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const name of names) expect(stdout).toContain(`sent ${name} (`)
      await saved(cwd, ...names)
      const arrived = await Promise.all(names.map((name) => sha256(join(cwd, 'dest', name))))
      expect(arrived).toEqual(sums)
      expect(await readdir(cwd)).not.toContain('tus-progress.json')
    },
  )

  it('tells the end of an upload whose last request was lost after all bytes', async () => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({
      POST: [[201, { Location: '/files/1' }]],
      PATCH: [[503], [201]],
      HEAD: [
        [204, { 'Upload-Offset': '5', 'Upload-Complete': '?0', 'Upload-Length': '5' }],
        [502],
        [204, { 'Upload-Offset': '5', 'Upload-Complete': '?0' }],
      ],
    })
    await writeFile(join(cwd, 'a'), 'hello')
    const result = await upload(['--url', url, '--protocol', 'rufh', 'a'], cwd)
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(requests).toEqual(['POST', 'PATCH', 'HEAD', 'HEAD', 'HEAD', 'PATCH'])
    expect(await readdir(cwd)).not.toContain('tus-progress.json')
  })

  it('asks no more of a server that has said that it has everything', async () => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({
      POST: [[201, { Location: '/files/1' }]],
      PATCH: [[201, { 'Upload-Offset': '5', 'Upload-Complete': '?1' }]],
    })
    await writeFile(join(cwd, 'a'), 'hello')
    const result = await upload(['--url', url, '--protocol', 'rufh', 'a'], cwd)
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(requests).toEqual(['POST', 'PATCH'])
    expect(await readdir(cwd)).not.toContain('tus-progress.json')
  })

  it('keeps its progress when the end is refused', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await serveScript({
      POST: [[201, { Location: '/files/1' }]],
      PATCH: [[201, { 'Upload-Offset': '5' }], [400]],
      HEAD: [[204, { 'Upload-Offset': '5', 'Upload-Complete': '?0' }]],
    })
    await writeFile(join(cwd, 'a'), 'hello')
    const result = await upload(['--url', url, '--protocol', 'rufh', 'a'], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, /the server answered 400 \(at the end of the upload/)
    expect(await readdir(cwd)).toContain('tus-progress.json')
  })

  it('says why the end was not taken, whether the server refuses it or has trouble', async () => {
    const refuse = (): never => {
      throw new UploadError('ERR_REFUSED', 'no film', { status: 422 })
    }
    const { url } = await serve(await temporaryDirectory(), { onComplete: refuse })
    const headers = { 'Upload-Complete': '?0', 'Upload-Length': '5' }
    const made = await fetch(url, { method: 'POST', headers, body: 'hello' })
    const end = {
      url: made.headers.get('location') ?? '',
      size: 5,
      headers: {},
      signal: new AbortController().signal,
      retryDelaysMs: [0, 0],
    }
    await expect(completeRufh(end)).rejects.toThrow(/answered 422 ERR_REFUSED: no film/)
    const { url: troubled } = await serveScript({ HEAD: [[503]] })
    const trouble = completeRufh({ ...end, url: troubled })
    await expect(trouble).rejects.toThrow(/answered 503/)
  })

  it('sends random data where no file is named', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    const { code, stdout } = await upload(['--url', url, '--size', '12345'], cwd)
    expect(code).toBe(0)
    const [, name = ''] = /sent (\S+) \(12\.1 KiB\)/.exec(stdout) ?? []
    await saved(cwd, name)
    expect((await stat(join(cwd, 'dest', name))).size).toBe(12_345)
  })

  it('adds the fields that it is given', async () => {
    const seen: (string | undefined)[] = []
    const server = createServer((req, res) => {
      seen.push(req.headers.authorization)
      res.writeHead(403, { 'Content-Type': 'application/problem+json' })
      res.end(JSON.stringify({ code: 'ERR_REFUSED', detail: 'not you' }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const flags = ['--url', url, '--header', 'Authorization: Bearer x', '--size', '1']
    const result = await upload(flags, await temporaryDirectory())
    expect(seen).toEqual(['Bearer x'])
    expect(result.code).toBe(1)
    expectOneLine(result, /403 ERR_REFUSED: not you/)
  })

  it('says what to do when the server takes smaller chunks only', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd, ['--max-chunk-size', '1000'])
    const result = await upload(['--url', url, '--size', '5000'], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, /413 ERR_CHUNK_SIZE_EXCEEDED.*1000.*lower --chunk-size/)
  })

  it.each([
    ['tus', 'SIGINT'],
    ['tus', 'SIGTERM'],
    ['rufh', 'SIGINT'],
  ] as const)('resumes by %s after %s', async (protocol, signal) => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    const sum = await randomFile(join(cwd, 'a.bin'), 60_000_000)
    const flags = ['--url', url, '--protocol', protocol, '--chunk-size', '200000', 'a.bin']
    const first = startUpload(cwd, flags)
    const entries = await progressOf(cwd)
    const { code, stderr } = await first.stop(signal)
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143)
    expect(stderr).toMatch(/interrupted; run the same command again/)
    const { stdout } = await upload(flags, cwd)
    expect(stdout).toContain('resuming a.bin')
    expect(stdout).toContain(Object.values(entries)[0]?.uploadUrl)
    await saved(cwd, 'a.bin')
    expect(await sha256(join(cwd, 'dest', 'a.bin'))).toBe(sum)
  })

  it('does not go on with a file that has changed', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    await randomFile(join(cwd, 'a.bin'), 60_000_000)
    const flags = ['--url', url, '--chunk-size', '200000', 'a.bin']
    const first = startUpload(cwd, flags)
    await progressOf(cwd)
    await first.stop('SIGKILL')
    const sum = await randomFile(join(cwd, 'a.bin'), 60_000_000)
    expect((await upload(flags, cwd)).stdout).not.toContain('resuming')
    await saved(cwd, 'a.bin')
    expect(await sha256(join(cwd, 'dest', 'a.bin'))).toBe(sum)
  })

  it('does not begin anew when a proxy in between has no server for a moment', async () => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({
      POST: [[201, { Location: '/files/1' }]],
      PATCH: [[502], [204, { 'Upload-Offset': '5' }]],
      HEAD: [[502], [503], [200, { 'Upload-Offset': '0', 'Upload-Length': '5' }]],
    })
    await writeFile(join(cwd, 'a'), 'hello')
    expect(await upload(['--url', url, 'a'], cwd)).toMatchObject({ code: 0, stderr: '' })
    expect(requests).toEqual(['POST', 'PATCH', 'HEAD', 'HEAD', 'HEAD', 'PATCH'])
  })

  it('keeps its progress when it is refused, and begins anew when the upload is gone', async () => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({
      POST: [[201, { Location: '/files/1' }], [403]],
      PATCH: [[403]],
      HEAD: [[401], [404]],
    })
    await writeFile(join(cwd, 'a'), 'hello')
    const tell = async (pattern: RegExp): Promise<void> => {
      const result = await upload(['--url', url, 'a'], cwd)
      expect(result.code).toBe(1)
      expectOneLine(result, pattern)
    }
    await tell(/the server answered 403/)
    await tell(/the server answered 401/)
    await tell(/the server answered 403/)
    expect(requests).toEqual(['POST', 'PATCH', 'HEAD', 'HEAD', 'POST'])
  })

  it('waits for a server that is started again', async () => {
    const cwd = await temporaryDirectory()
    const server = await startServer(cwd)
    const { port } = new URL(server.url)
    const sum = await randomFile(join(cwd, 'a.bin'), 100_000_000)
    const sending = startUpload(cwd, ['--url', server.url, '--chunk-size', '500000', 'a.bin'])
    await progressOf(cwd)
    await server.stop('SIGKILL')
    await startServer(cwd, ['--port', port])
    expect(await sending.ended).toMatchObject({ code: 0 })
    await saved(cwd, 'a.bin')
    expect(await sha256(join(cwd, 'dest', 'a.bin'))).toBe(sum)
  }, 30_000)
})

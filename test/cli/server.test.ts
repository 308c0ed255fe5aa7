import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createUpload,
  idOf,
  metadata,
  offsetOf,
  patch,
  sha256,
  sha256Of,
  TUS,
  temporaryDirectory,
} from '../serve.ts'
import {
  expectOneLine,
  recordOf,
  runAsNobody,
  SERVER,
  saved,
  server,
  startServer,
} from './commands.ts'

/** Whether a process has the socket open that listens at the port of `url`. */
async function holdsListener(pid: string, url: string): Promise<boolean> {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0')
  const sockets = await readFile('/proc/net/tcp', 'utf8')
  const row = sockets.split('\n').find((line) => line.includes(`:${port} 00000000:0000 0A`))
  const inode = row?.trim().split(/\s+/)[9]
  const folder = `/proc/${pid}/fd`
  const names = await readdir(folder).catch(() => [])
  const links = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')))
  return links.includes(`socket:[${inode}]`)
}

describe('tussi-server, asked', () => {
  it('shows its flags on one screen', async () => {
    const { code, stdout, stderr } = await server(['--help'], await temporaryDirectory())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it('shows its version', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    )
    const { stdout } = await server(['--version'], await temporaryDirectory())
    expect(stdout).toBe(`tussi ${version}\n`)
  })
})

describe('tussi-server, told something wrong', () => {
  it.each([
    [['--bogus'], /unknown flag --bogus/],
    [['-x'], /unknown flag -x/],
    [['--port'], /port/],
    [['--port', '65536'], /--port must be .* 65535/],
    [['--port', '-1'], /--port must be/],
    [['--port', '8o8o'], /--port must be/],
    [['--workers', '1.5'], /--workers must be/],
    [['--max-size', '1GB'], /--max-size must be/],
    [['--min-size', '9', '--max-size', '8'], /--min-size must be .* 8, got 9/],
    [['--min-chunk-size', '9', '--max-chunk-size', '8'], /--min-chunk-size must be .* got 9/],
    [['stray'], /unexpected argument stray/],
    [['--metrics'], /--metrics is not available in this version/],
    [['--expire-after', '0'], /--expire-after must be an integer of at least 1, got 0/],
    [['--no-web'], /--no-web is not available in this version/],
    [['--host', ''], /--host must not be empty/],
    [['--upload-dir='], /--upload-dir must not be empty/],
    [['--trusted-proxy', 'nonsense'], /--trusted-proxy must hold .* nonsense/],
    [['--cors-origin', 'example.org'], /--cors-origin must hold .* example\.org/],
    [['--processes', '3', '--trusted-proxy', 'nonsense'], /--trusted-proxy must hold/],
  ])('%j: one line and exit code 2', async (flags, pattern) => {
    const result = await server(flags, await temporaryDirectory())
    expect(result.code).toBe(2)
    expectOneLine(result, pattern)
  })

  it.each([
    [['--host', '203.0.113.7'], /203\.0\.113\.7/],
    [['--upload-dir', 'a', '--completed-dir', 'a'], /completed|contains the upload directory/],
    [['--upload-dir', 'a/b', '--completed-dir', 'a'], /contains the upload directory/],
    [['--dest-dir', '/proc/nowhere'], /\/proc\/nowhere/],
    [['--upload-dir', 'file'], /the directory file cannot be made or written: it is a file/],
    [['--dest-dir', 'file/d'], /file\/d cannot be made or written: a file is in the way/],
    [['--dest-dir', 'uploads'], /cannot take saved files/],
  ])('%j: one line and exit code 1', async (flags, pattern) => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'file'), '')
    const result = await server(['--port', '0', ...flags], cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, pattern)
  })

  it.each([1, 3])('names a port that is in use, once, with %d processes', async (processes) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const flags = ['--port', `${port}`, '--processes', `${processes}`]
    const result = await server(flags, await temporaryDirectory())
    expect(result.code).toBe(1)
    expectOneLine(result, new RegExp(`port ${port} .* in use`))
  })

  it('names a directory that this user cannot write', async () => {
    const cwd = await temporaryDirectory()
    await mkdir(join(cwd, 'locked'), { mode: 0o555 })
    const flags = [SERVER, '--port', '0', '--upload-dir', join(cwd, 'locked')]
    const result = await runAsNobody(flags, cwd)
    expect(result.code).toBe(1)
    expectOneLine(result, /locked cannot be made or written: EACCES/)
  })
})

describe('tussi-server', () => {
  it('receives, saves under the name of the client, and leaves nothing behind', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    const data = randomBytes(100_000)
    const location = await createUpload(url, data.length, { filename: '../../über.tar.gz' })
    await patch(location, 0, data)
    await saved(cwd, 'über.tar.gz')
    const path = join(cwd, 'dest', 'über.tar.gz')
    expect(await sha256(path)).toBe(sha256Of(data))
    expect(await recordOf(path)).toMatchObject({ metadata: { filename: '../../über.tar.gz' } })
    const rest = await readdir(join(cwd, 'uploads'))
    expect(rest.sort()).toEqual(['.completed', '.tussi'])
    expect(await readdir(join(cwd, 'uploads', '.completed'))).toEqual(['.tussi'])
    expect(await offsetOf(location)).toBe(data.length)
  })

  it.each([1, 2])('numbers equal names, with %d processes and 3 workers', async (processes) => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd, ['--workers', '3', '--processes', `${processes}`])
    const send = async (text: string): Promise<void> => {
      const location = await createUpload(url, 1, { filename: 'a.txt' })
      expect((await patch(location, 0, Buffer.from(text))).status).toBe(204)
    }
    await Promise.all(['1', '2', '3', '4', '5'].map(send))
    const names = ['a.txt', 'a_1.txt', 'a_2.txt', 'a_3.txt', 'a_4.txt']
    await saved(cwd, ...names)
    const texts = names.map((name) => readFile(join(cwd, 'dest', name), 'utf8'))
    expect((await Promise.all(texts)).sort()).toEqual(['1', '2', '3', '4', '5'])
  })

  it('makes no way into a directory of a client’s file name', async () => {
    const cwd = await temporaryDirectory()
    await mkdir(join(cwd, 'dest', 'photos'), { recursive: true })
    const { url } = await startServer(cwd)
    await createUpload(url, 0, { filename: 'photos' })
    await expect
      .poll(async () => (await readdir(join(cwd, 'dest'))).sort(), { timeout: 10_000 })
      .toEqual(['photos', 'photos_1', 'photos_1.meta'])
    expect(await readdir(join(cwd, 'dest', 'photos'))).toEqual([])
  })

  it('leaves finished uploads where they are without workers', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd, ['--workers', '0', '--completed-dir', 'finished'])
    const location = await createUpload(url, 0)
    expect((await readdir(join(cwd, 'finished'))).sort()).toEqual([
      '.tussi',
      idOf(location),
      `${idOf(location)}.meta`,
    ])
  })

  it('hands back what it cannot save, and saves it when it can', async () => {
    const cwd = await temporaryDirectory()
    const running = await startServer(cwd)
    await rm(join(cwd, 'dest'), { recursive: true })
    await writeFile(join(cwd, 'dest'), 'in the way')
    await createUpload(running.url, 0, { filename: 'a' })
    await running.until(/work on an upload failed/)
    await rm(join(cwd, 'dest'))
    await mkdir(join(cwd, 'dest'))
    await saved(cwd, 'a')
  }, 20_000)

  it('keeps its limits', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd, ['--max-size', '1000', '--max-chunk-size', '10'])
    await expect(createUpload(url, 1001)).rejects.toThrow(/413.*ERR_MAX_SIZE_EXCEEDED/)
    const location = await createUpload(url, 1000)
    expect((await patch(location, 0, randomBytes(11))).status).toBe(413)
    const other = await startServer(cwd, ['--min-size', '100', '--min-chunk-size', '10'])
    await expect(createUpload(other.url, 99)).rejects.toThrow(/400.*ERR_MIN_SIZE_NOT_REACHED/)
    const small = await createUpload(other.url, 100)
    expect((await patch(small, 0, randomBytes(9))).status).toBe(400)
  })

  it('brings long bodies, and keeps their connections', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    const body = randomBytes(20_000_000)
    const location = await createUpload(url, body.byteLength, { filename: 'long.bin' })
    const { status, headers } = await patch(location, 0, body)
    expect({ status, connection: headers.get('connection') }).toEqual({
      status: 204,
      connection: 'keep-alive',
    })
    await saved(cwd, 'long.bin')
    expect(await sha256(join(cwd, 'dest', 'long.bin'))).toBe(sha256Of(body))
  })

  it('answers other paths, and what is no HTTP, in words', async () => {
    const { url } = await startServer(await temporaryDirectory())
    const elsewhere = await fetch(new URL('/elsewhere', url))
    expect(elsewhere.status).toBe(404)
    expect(await elsewhere.json()).toMatchObject({ code: 'ERR_NOT_FOUND' })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end('nonsense\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += chunk
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*ERR_INVALID_REQUEST/)
  })

  it.each([
    [[], /^HTTP\/1\.1 104 [\s\S]*HTTP\/1\.1 201 /],
    [['--no-informational'], /^HTTP\/1\.1 201 /],
  ])('sends 104s unless told not to: %j', async (flags, expected) => {
    const { url } = await startServer(await temporaryDirectory(), flags)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write(
      'POST /files/ HTTP/1.1\r\nHost: h\r\nUpload-Draft-Interop-Version: 8\r\n' +
        'Upload-Complete: ?1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
    )
    let answer = ''
    socket.on('data', (text) => {
      answer += text
    })
    await once(socket, 'close')
    expect(answer).toMatch(expected)
  })

  it('writes a line for each request when asked to', async () => {
    const running = await startServer(await temporaryDirectory(), ['--access-log'])
    const location = await createUpload(running.url, 5)
    await running.until(/^\S+Z POST \/files\/ 201 0 bytes \d+ ms$/m)
    await patch(location, 0, Buffer.from('hello'))
    await running.until(/^\S+Z PATCH \/files\/[0-9a-f-]{36} 204 5 bytes \d+ ms$/m)
    await fetch(running.url, { method: 'OPTIONS' })
    await running.until(/^\S+Z OPTIONS \/files\/ 204 0 bytes \d+ ms$/m)
  })

  it('tells clients when their uploads expire, and ends them then', async () => {
    const { url } = await startServer(await temporaryDirectory(), ['--expire-after', '1'])
    const location = await createUpload(url, 5)
    const head = (): Promise<Response> => fetch(location, { method: 'HEAD', headers: TUS })
    const expires = Date.parse((await head()).headers.get('upload-expires') ?? '')
    expect(Math.abs(expires - Date.now())).toBeLessThan(2500)
    await expect.poll(async () => (await head()).status, { timeout: 5000 }).toBe(410)
  })

  it('lets in pages of the listed origins only', async () => {
    const { url } = await startServer(await temporaryDirectory(), [
      '--cors-origin',
      'https://a.example',
    ])
    const allowed = async (Origin: string): Promise<string | null> =>
      (await fetch(url, { method: 'OPTIONS', headers: { Origin } })).headers.get(
        'access-control-allow-origin',
      )
    expect(await allowed('https://a.example')).toBe('https://a.example')
    expect(await allowed('https://b.example')).toBeNull()
  })
})

describe('tussi-server at its end', () => {
  it.each([1, 2])('records what has arrived and ends with 0, with %d processes', async (n) => {
    const cwd = await temporaryDirectory()
    const running = await startServer(cwd, ['--processes', `${n}`])
    const location = await createUpload(running.url, 1000)
    const sending = fetch(location, {
      method: 'PATCH',
      headers: {
        ...TUS,
        'Content-Type': 'application/offset+octet-stream',
        'Upload-Offset': '0',
      },
      body: new ReadableStream({ start: (stream) => stream.enqueue(randomBytes(400)) }),
      duplex: 'half',
    } as RequestInit).catch(() => undefined)
    const record = join(cwd, 'uploads', idOf(location))
    await expect.poll(async () => (await recordOf(record)).offset, { timeout: 5000 }).toBe(400)
    const { code, stderr } = await running.stop('SIGTERM')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await sending
    const again = await startServer(cwd)
    const resumed = `${again.url}${idOf(location)}`
    expect(await offsetOf(resumed)).toBe(400)
    expect((await patch(resumed, 400, randomBytes(600))).status).toBe(204)
  })

  it('tells a client that is sending to come back', async () => {
    const cwd = await temporaryDirectory()
    const running = await startServer(cwd)
    const location = await createUpload(running.url, 1000)
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.write(
      `PATCH ${new URL(location).pathname} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
        'Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n' +
        'Content-Length: 1000\r\n\r\nhello',
    )
    const record = join(cwd, 'uploads', idOf(location))
    await expect.poll(async () => (await recordOf(record)).offset, { timeout: 5000 }).toBe(5)
    await running.stop('SIGTERM')
    expect(answer).toMatch(/^HTTP\/1.1 503 [\s\S]*Retry-After: 1[\s\S]*ERR_SHUTTING_DOWN/)
    expect(answer).toMatch(/Upload-Offset: 5/)
  })

  it('takes Ctrl+C under npm, which arrives twice, for one', async () => {
    const running = await startServer(await temporaryDirectory())
    running.child.kill('SIGINT')
    expect(await running.stop('SIGINT')).toMatchObject({ code: 0, signal: null })
  })

  it('ends at once when it is told so again', async () => {
    const cwd = await temporaryDirectory()
    const running = await startServer(cwd)
    // A request that is never finished keeps an orderly end waiting for a second.
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const head = 'OPTIONS /files/ HTTP/1.1\r\nHost: h\r\n'
    socket.write(`${head}\r\n${head}`)
    await once(socket, 'data')
    running.child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(await running.stop('SIGTERM')).toMatchObject({ code: 1 })
  })

  it('starts a process again that was killed', async () => {
    const cwd = await temporaryDirectory()
    const running = await startServer(cwd, ['--processes', '2'])
    const children = async (): Promise<string[]> => {
      const pid = running.child.pid
      const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
      return text.trim().split(' ')
    }
    const listening = async (): Promise<string[]> => {
      const pids = await children()
      const held = await Promise.all(pids.map((pid) => holdsListener(pid, running.url)))
      return pids.filter((_, i) => held[i])
    }
    await expect.poll(listening, { timeout: 10_000 }).toHaveLength(2)
    const [victim] = await children()
    process.kill(Number(victim), 'SIGKILL')
    await running.until(/is started again/)
    await expect.poll(listening, { timeout: 10_000 }).toHaveLength(2)
    expect(await children()).not.toContain(victim)
    await createUpload(running.url, 0, { filename: 'a' })
    await saved(cwd, 'a')
    expect(await running.stop('SIGTERM')).toMatchObject({ code: 0 })
  })

  it('has taken no room for what was refused', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': '5', 'Upload-Metadata': metadata({ filename: 'a\n' }) },
    })
    expect(response.status).toBe(400)
    expect(await readdir(join(cwd, 'uploads'))).toHaveLength(2)
    expect((await stat(join(cwd, 'uploads', '.tussi', 'tmp'))).isDirectory()).toBe(true)
  })
})

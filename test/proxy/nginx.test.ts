/** nginx from the distribution in front, with TLS and the configuration of the documentation. @module */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UPLOAD } from '../cli/commands.ts'
import { type Running, run, start } from '../run.ts'
import { idOf, type Served, type ServeOptions, serve, TUS, temporaryDirectory } from '../serve.ts'

const SNIPPET = new URL('../../docs/nginx.conf', import.meta.url)

interface Proxied extends Served {
  /** The place behind the proxy. */
  readonly publicUrl: string
  /** Its certificate, which nobody trusts. */
  readonly certificate: string
  restart(): Promise<void>
}

async function serveBehindNginx(options: ServeOptions = {}): Promise<Proxied> {
  const root = await temporaryDirectory()
  const served = await serve(root, options)
  const port = await freePort()
  await writeConfiguration(root, port, served.port)
  let nginx = await startNginx(root, port)
  return {
    ...served,
    publicUrl: `https://localhost:${port}/files/`,
    certificate: join(root, 'certificate.pem'),
    async restart() {
      await nginx.stop('SIGTERM')
      nginx = await startNginx(root, port)
    },
  }
}

async function writeConfiguration(root: string, port: number, upstream: number): Promise<void> {
  await mkdir(join(root, 'logs'))
  const key = join(root, 'key.pem')
  const certificate = join(root, 'certificate.pem')
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1'],
    ...['-keyout', key, '-out', certificate, ...subject],
  ])
  if (made.code !== 0) throw new Error(`openssl: ${made.stderr}`)
  const snippet = (await readFile(SNIPPET, 'utf8'))
    .replace('LISTEN', `127.0.0.1:${port}`)
    .replace('SERVER_NAME', 'localhost')
    .replace('CERTIFICATE_KEY', key)
    .replace(/CERTIFICATE;/, `${certificate};`)
    .replace('UPSTREAM', `127.0.0.1:${upstream}`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(root, name)};`)
    .join('\n')
  await writeFile(
    join(root, 'nginx.conf'),
    `daemon off; master_process off; pid ${join(root, 'pid')}; error_log stderr warn;
     events {} http { access_log off; ${temporary} ${snippet} }`,
  )
}

async function startNginx(root: string, port: number): Promise<Running> {
  const nginx = start('nginx', ['-p', root, '-c', join(root, 'nginx.conf')])
  await expect
    .poll(
      () =>
        send(`https://localhost:${port}/files/`, 'OPTIONS').then(
          () => true,
          () => false,
        ),
      {
        timeout: 10_000,
      },
    )
    .toBe(true)
  return nginx
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** A request; `body` is written piece by piece, each after the promise before it. */
function send(
  url: string,
  method: string,
  fields: Readonly<Record<string, string>> = {},
  body: readonly (Uint8Array | (() => Promise<unknown>))[] = [],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...TUS, ...fields }
    const sending = request(url, { method, headers, rejectUnauthorized: false, agent: false })
    sending.on('error', reject)
    sending.on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
    })
    void (async () => {
      for (const piece of body) {
        if (typeof piece === 'function') await piece()
        else sending.write(piece)
      }
      sending.end()
    })().catch(reject)
  })
}

const patchFields = (offset: number): Record<string, string> => ({
  'Content-Type': 'application/offset+octet-stream',
  'Upload-Offset': `${offset}`,
})

async function create(url: string, length: number): Promise<string> {
  const { headers } = await send(url, 'POST', { 'Upload-Length': `${length}` })
  return `${headers.location}`
}

describe('behind nginx', () => {
  it('gives a Location with https while the proxy is trusted', async () => {
    const { publicUrl } = await serveBehindNginx({ trustedProxies: ['127.0.0.1'] })
    const location = await create(publicUrl, 5)
    expect(location).toBe(`${publicUrl}${idOf(location)}`)
  })

  it('believes nothing of a proxy that is not trusted', async () => {
    const { publicUrl } = await serveBehindNginx()
    expect(await create(publicUrl, 5)).toMatch(/^http:\/\/localhost:/)
  })

  it('is refused by tussi-upload at once, unless its certificate is trusted', async () => {
    const { publicUrl, certificate } = await serveBehindNginx({ trustedProxies: ['127.0.0.1'] })
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'a.bin'), 'hello')
    const argv = [UPLOAD, '--url', publicUrl, 'a.bin']
    const start = performance.now()
    const refused = await run(process.execPath, argv, { cwd })
    // With all its tries it takes more than 20 seconds.
    expect(performance.now() - start).toBeLessThan(15_000)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/\(DEPTH_ZERO_SELF_SIGNED_CERT\).*NODE_EXTRA_CA_CERTS/)
    const env = { NODE_EXTRA_CA_CERTS: certificate }
    expect(await run(process.execPath, argv, { cwd, env })).toMatchObject({ code: 0 })
  })

  it('receives bytes before the body ends', async () => {
    const { publicUrl, storage } = await serveBehindNginx({ trustedProxies: ['127.0.0.1'] })
    const data = randomBytes(300_000)
    const location = await create(publicUrl, data.length)
    let seen = 0
    const { status } = await send(location, 'PATCH', patchFields(0), [
      data.subarray(0, 200_000),
      // The storage is asked, for a client's HEAD would end the request.
      async () => {
        const offset = async () => (await storage.info(idOf(location))).offset
        await expect.poll(offset, { timeout: 10_000 }).toBe(200_000)
        seen = await offset()
      },
      data.subarray(200_000),
    ])
    expect(status).toBe(204)
    expect(seen).toBe(200_000)
  })

  it('lets a client read a refusal while it is sending', async () => {
    const { publicUrl } = await serveBehindNginx({
      trustedProxies: ['127.0.0.1'],
      maxChunkSize: 1_000_000,
    })
    const location = await create(publicUrl, 8_000_000)
    const body = [randomBytes(4_000_000)]
    const wrong = await send(location, 'PATCH', patchFields(7), [randomBytes(500_000)])
    expect(wrong.status).toBe(409)
    expect(wrong.headers['upload-offset']).toBe('0')
    const large = await send(
      location,
      'PATCH',
      { ...patchFields(0), 'Content-Length': '4000000' },
      body,
    )
    expect(large.status).toBe(413)
    expect(JSON.parse(large.body)).toMatchObject({ code: 'ERR_CHUNK_SIZE_EXCEEDED' })
  })

  it('resumes after the proxy was restarted in the middle', async () => {
    const { publicUrl, storage, restart } = await serveBehindNginx({
      trustedProxies: ['127.0.0.1'],
    })
    const data = randomBytes(300_000)
    const location = await create(publicUrl, data.length)
    const offset = async () => (await storage.info(idOf(location))).offset
    let restarted: Promise<void> | undefined
    const broken = send(location, 'PATCH', patchFields(0), [
      data.subarray(0, 100_000),
      () => expect.poll(offset, { timeout: 10_000 }).toBe(100_000),
      () => {
        restarted = restart()
        return restarted
      },
    ])
    await expect(broken).rejects.toThrow()
    await restarted
    const head = await send(location, 'HEAD')
    expect(head.headers['upload-offset']).toBe('100000')
    const rest = await send(location, 'PATCH', patchFields(100_000), [data.subarray(100_000)])
    expect(rest).toMatchObject({ status: 204, headers: { 'upload-offset': '300000' } })
  })
})

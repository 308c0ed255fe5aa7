/** Whose word on the scheme is believed, by the address of the peer. @module */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TusApp } from 'tussi'
import { MemoryStorage } from 'tussi/memory'
import { describe, expect, it, onTestFinished } from 'vitest'

const PROXIES = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::ffff:198.51.100.0/120']

describe('trustedProxies', () => {
  it.each([
    '10.1.2.3',
    '192.0.2.7',
    '2001:db8::1',
    '198.51.100.9',
    '::ffff:10.1.2.3',
    '::FFFF:192.0.2.7',
  ])('believes %s', async (remoteAddress) => {
    expect(await schemeFrom(remoteAddress)).toBe('https:')
  })

  it.each([
    '11.0.0.1',
    '192.0.2.8',
    '2001:db9::1',
    '198.51.101.9',
    '::ffff:11.0.0.1',
    '::1',
    'unix:',
    '',
    undefined,
  ])('does not believe %s', async (remoteAddress) => {
    expect(await schemeFrom(remoteAddress)).toBe('http:')
  })

  it('does not believe a peer without an address, on a unix socket', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tussi-unix-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const socketPath = join(directory, 'socket')
    const server = createServer(appTrusting(['0.0.0.0/0', '::/0']).listener)
    server.listen(socketPath)
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const headers = {
      Host: 'files.example',
      'Tus-Resumable': '1.0.0',
      'Upload-Length': '10',
      'X-Forwarded-Proto': 'https',
    }
    const sending = request({ socketPath, method: 'POST', path: '/files/', headers, agent: false })
    sending.end()
    const [response] = await once(sending, 'response')
    response.resume()
    expect(response.statusCode).toBe(201)
    expect(response.headers.location).toMatch(/^http:\/\/files\.example\/files\//)
  })

  it.each(['10.0.0.0/33', '10.0.0', 'proxy.example', '10.0.0.1/', '::/129', '', '10.0.0.1/8/8'])(
    'does not start with %j on the list',
    (entry) => {
      expect(() => appTrusting([entry])).toThrow(TypeError)
    },
  )
})

async function schemeFrom(remoteAddress: string | undefined): Promise<string> {
  const headers = {
    'Tus-Resumable': '1.0.0',
    'Upload-Length': '10',
    'X-Forwarded-Proto': 'https',
  }
  const response = await appTrusting(PROXIES).fetch(
    new Request('http://files.example/files/', { method: 'POST', headers }),
    { remoteAddress },
  )
  expect(response.status).toBe(201)
  return new URL(response.headers.get('location') ?? '').protocol
}

function appTrusting(trustedProxies: readonly string[]): TusApp {
  const app = new TusApp({
    storage: new MemoryStorage(),
    completedDir: 'completed',
    trustedProxies,
  })
  onTestFinished(async () => {
    await app.close()
  })
  return app
}

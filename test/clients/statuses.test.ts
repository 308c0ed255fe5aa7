/** What tus-js-client does with each status that a refusal has, as docs/protocol.md says. @module */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Upload } from 'tus-js-client'
import { expect, it, onTestFinished } from 'vitest'
import { PROBLEMS } from '../../src/http/problem.ts'

const PAGE = new URL('../../docs/protocol.md', import.meta.url)
const STATUSES = [...new Set(Object.values(PROBLEMS).map(({ status }) => status))].sort()

/** Answers a creation, and then `status` to each request of `method`. */
async function startRefusing(
  method: string,
  status: number,
): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((req, res) => {
    seen.push(`${req.method}`)
    req.resume()
    req.on('end', () => {
      res.setHeader('Tus-Resumable', '1.0.0')
      if (req.method === method) res.writeHead(status).end()
      else if (req.method === 'POST') res.writeHead(201, { Location: '/files/1' }).end()
      else res.writeHead(200, { 'Upload-Offset': '0', 'Upload-Length': '5' }).end()
    })
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`, seen }
}

/** The methods of an upload that is refused, until the client gives up. */
async function refused(method: string, status: number): Promise<string[]> {
  const { url, seen } = await startRefusing(method, status)
  await new Promise((resolve) => {
    const upload = new Upload(Buffer.from('hello'), {
      endpoint: url,
      retryDelays: [0],
      onError: resolve,
      onSuccess: () => resolve(undefined),
    })
    upload.start()
  })
  return seen
}

it.each(STATUSES)('a PATCH that is answered %d', async (status) => {
  const rows = (await readFile(PAGE, 'utf8')).matchAll(/^\| (\d{3}) \| `ERR_\w+` \|.*\| (.*) \|$/gm)
  const told = new Set([...rows].filter(([, of]) => of === `${status}`).map(([, , what]) => what))
  const retried = (await refused('PATCH', status)).filter((method) => method === 'PATCH').length > 1
  const server = Object.values(PROBLEMS).find((problem) => problem.status === status)
  expect([...told], server?.title).toEqual([retried ? 'tries again' : 'gives up'])
})

it('a HEAD that is answered 423 makes it wait, any other refusal begin anew', async () => {
  for (const [status, anew] of [
    [423, false],
    [404, true],
    [410, true],
    [500, true],
    [503, true],
  ] as const) {
    const { url, seen } = await startRefusing('HEAD', status)
    await new Promise((resolve) => {
      const upload = new Upload(Buffer.from('hello'), {
        endpoint: url,
        uploadUrl: `${url}1`,
        retryDelays: [0],
        onError: resolve,
        onProgress: resolve,
        onSuccess: () => resolve(undefined),
      })
      upload.start()
    })
    expect([status, seen.includes('POST')]).toEqual([status, anew])
  }
})

/** `Want-Content-Digest` (RFC 9530): the digest of whatever body an answer has. @module */
import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Send, TestResponse } from './exchange.ts'
import { STORAGES, TRANSPORTS } from './servers.ts'

const TUS = { 'Tus-Resumable': '1.0.0' }
const IETF = { 'Upload-Complete': '?1' }
/** More bytes than letters. */
const onComplete = (): object => ({ body: { name: 'größer' } })

for (const [name, over] of Object.entries(TRANSPORTS)) {
  describe(`content digests: ${name}`, () => describeDigests(over))
}

function describeDigests(over: (typeof TRANSPORTS)[string]): void {
  it.each([
    ['a refusal of tus (rufh-34)', 'POST', { ...TUS }, 400],
    ['a refusal of the IETF protocol (rufh-34)', 'PATCH', IETF, 404],
    ['what the application answers (rufh-34)', 'POST', IETF, 201],
    ['what it answers in tus', 'POST', { ...TUS, 'Upload-Length': '0' }, 201],
  ] as const)('are told of %s', async (_what, method, fields, status) => {
    const send = await start(over)
    const response = await ask(send, method, fields, 'sha-256=3, sha-512=1, unixsum=10')
    expect(response.status).toBe(status)
    expect(response.body).not.toBe('')
    expect(response.fields['content-digest']).toBe(`sha-256=:${base64('sha256', response.body)}:`)
  })

  it('are told by the algorithm that the client prefers', async () => {
    const send = await start(over)
    const { body, fields } = await ask(send, 'POST', TUS, 'sha-256=3, sha-512=3')
    expect(fields['content-digest']).toBe(`sha-512=:${base64('sha512', body)}:`)
  })

  it.each([
    ['nobody asks', 'POST', TUS, null],
    ['nobody can give what is asked', 'POST', TUS, 'unixsum=10, sha-256=0'],
    ['what asks is no structured field', 'POST', TUS, 'sha-256=1,,'],
    ['there is no body', 'HEAD', TUS, 'sha-256=1'],
    ['there is none on success', 'OPTIONS', {}, 'sha-256=1'],
  ] as const)('are not told where %s', async (_what, method, fields, wanted) => {
    const send = await start(over)
    const response = await ask(send, method, fields, wanted)
    expect(response.fields['content-digest']).toBeUndefined()
  })
}

async function start(over: (typeof TRANSPORTS)[string]): Promise<Send> {
  const server = await over(async () => {
    const app = await STORAGES.MemoryStorage?.({ onComplete })
    if (!app) throw new Error('there is no storage in memory')
    return app
  })({})
  onTestFinished(() => server.close())
  return server.send
}

function ask(
  send: Send,
  method: string,
  fields: Readonly<Record<string, string>>,
  wanted: string | null,
): Promise<TestResponse> {
  const path = method === 'POST' ? '/files/' : '/files/unknown'
  const all = wanted === null ? fields : { ...fields, 'Want-Content-Digest': wanted }
  return send({ method, path, fields: all, ...(method === 'POST' && { body: Buffer.alloc(0) }) })
}

function base64(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('base64')
}

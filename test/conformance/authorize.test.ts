/** The option `authorize` and what depends on the request, over every adapter and storage. @module */
import { randomUUID } from 'node:crypto'
import { type TusAppOptions, UploadError } from 'tussi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { OFFSET_OCTET_STREAM, patchAt } from './conformance-case.ts'
import type { Running, TestRequest, TestResponse } from './exchange.ts'
import { type AppOptions, STORAGES, TRANSPORTS } from './servers.ts'

type Question = Parameters<NonNullable<TusAppOptions['authorize']>>[0]

/** Whoever has a name may upload, and do what they like with what is theirs. */
const BY_NAME = ({ request }: Question): string => {
  const { 'x-user': user } = request.headers
  if (user !== undefined) return user
  throw new UploadError('ERR_REFUSED', 'who are you?', { status: 401 })
}

for (const [storage, open] of Object.entries(STORAGES)) {
  for (const [transport, over] of Object.entries(TRANSPORTS)) {
    describe(`authorize: ${transport}, ${storage}`, () => describeAuthorize(over, open))
  }
}

function describeAuthorize(
  over: (typeof TRANSPORTS)[string],
  open: (typeof STORAGES)[string],
): void {
  async function start(options: AppOptions): Promise<Client> {
    const server = await over(() => open(options))({})
    onTestFinished(() => server.close())
    return clientOf(server)
  }

  it('is told who asks for what, and its answer is kept as owner', async () => {
    const asked: Question[] = []
    const client = await start({
      authorize: async (question) => {
        asked.push(question)
        return question.action === 'create' ? 'me' : undefined
      },
    })
    const path = await client.create({ 'X-Thing': 'a' }, '/files/?b=c')
    await client.as('me', 'HEAD', path)
    await client.append('me', path, 'hello')
    await client.as('me', 'DELETE', path)
    const id = path.split('/').at(-1)
    const [creation, ...later] = asked
    expect(creation).toMatchObject({
      action: 'create',
      uploadId: id,
      upload: undefined,
      request: { method: 'POST', target: '/files/?b=c', remoteAddress: '127.0.0.1' },
    })
    expect(creation?.request.headers['x-thing']).toBe('a')
    expect(Object.isFrozen(creation?.request.headers)).toBe(true)
    expect(later.map(({ action }) => action)).toEqual(['head', 'append', 'terminate'])
    for (const { upload, uploadId, request } of later) {
      expect(uploadId).toBe(id)
      expect(upload).toMatchObject({ uploadId: id, length: 5, notes: { owner: 'me' } })
      expect(request.target).toBe(path)
    }
  })

  it('refuses with its status and words, and then nothing has happened', async () => {
    const client = await start({ authorize: BY_NAME })
    const nobody = await client.send('POST', '/files/', { 'Upload-Length': '5' })
    expect(nobody.status).toBe(401)
    expect(JSON.parse(nobody.body)).toMatchObject({ code: 'ERR_REFUSED', detail: 'who are you?' })
    const path = await client.create({ 'X-User': 'me' })
    for (const method of ['HEAD', 'DELETE']) {
      expect((await client.send(method, path)).status).toBe(401)
      const other = await client.as('you', method, path)
      expect([other.status, other.fields['tussi-error']]).toEqual([403, 'ERR_REFUSED'])
    }
    expect((await client.append('you', path, 'XXXXX')).status).toBe(403)
    expect((await client.append('me', path, 'hello')).status).toBe(204)
  })

  it('guards what is complete, and what is gone', async () => {
    const client = await start({ authorize: BY_NAME })
    const path = await client.create({ 'X-User': 'me' })
    await client.append('me', path, 'hello')
    expect((await client.as('you', 'HEAD', path)).status).toBe(403)
    expect((await client.as('me', 'HEAD', path)).status).toBe(200)
    expect((await client.as('you', 'DELETE', path)).status).toBe(403)
    expect((await client.as('me', 'DELETE', path)).status).toBe(204)
    expect((await client.as('you', 'HEAD', path)).status).toBe(403)
    expect((await client.as('me', 'HEAD', path)).status).toBe(410)
  })

  it('joins only what belongs to one owner, and shows the joint upload to nobody else', async () => {
    const client = await start({ authorize: BY_NAME, quota: 10 })
    const part = { 'X-User': 'me', 'Upload-Concat': 'partial' }
    const [one, two] = [await client.create(part), await client.create(part)]
    const other = await client.create({ ...part, 'X-User': 'you' })
    await client.append('me', one, 'hello')
    await client.append('me', two, 'world')
    await client.append('you', other, '-you-')
    const join = (user: string, ...parts: string[]): Promise<TestResponse> =>
      client.as(user, 'POST', '/files/', { 'Upload-Concat': `final;${parts.join(' ')}` })
    for (const refused of [await join('me', one, other), await join('you', one, two)]) {
      expect([refused.status, JSON.parse(refused.body).code]).toEqual([403, 'ERR_REFUSED'])
    }
    expect((await client.send('POST', '/files/', { 'Upload-Concat': `final;${one}` })).status).toBe(
      401,
    )
    const joined = await join('me', one, two)
    expect(joined.status).toBe(201)
    const path = new URL(joined.fields.location ?? '').pathname
    expect((await client.as('me', 'HEAD', path)).fields['upload-offset']).toBe('10')
    expect((await client.as('you', 'HEAD', path)).status).toBe(403)
    expect((await join('me', one, two)).fields.location).toBe(joined.fields.location)
    expect((await join('you', one, two)).status).toBe(403)
    // What the parts had reserved is free.
    await client.create({ 'X-User': 'me', 'Upload-Length': '10' })
  })

  it('is asked in the protocol of the IETF as well', async () => {
    const client = await start({ authorize: BY_NAME, maxSize: () => 7, quota: 6 })
    const draft = { 'Tus-Resumable': null, 'Upload-Draft-Interop-Version': '8' }
    const begin = { ...draft, 'Upload-Complete': '?0', 'Upload-Length': '5' }
    expect((await client.send('POST', '/files/', begin, 'he')).status).toBe(401)
    const created = await client.send('POST', '/files/', { ...begin, 'X-User': 'me' }, 'he')
    expect([created.status, created.fields['upload-limit']]).toEqual([
      201,
      expect.stringContaining('max-size=7'),
    ])
    const path = new URL(created.fields.location ?? '').pathname
    for (const method of ['HEAD', 'DELETE']) {
      expect((await client.as('you', method, path, draft)).status).toBe(403)
    }
    const end = { 'Content-Type': 'application/partial-upload', 'Upload-Complete': '?1' }
    const last = { ...draft, ...end, 'Upload-Offset': '2' }
    const other = await client.send('PATCH', path, { ...last, 'X-User': 'you' }, 'llo')
    expect(other.status).toBe(403)
    const tooMuch = await client.send('POST', '/files/', { ...begin, 'X-User': 'me' }, 'he')
    expect([tooMuch.status, JSON.parse(tooMuch.body).code]).toEqual([413, 'ERR_QUOTA_EXCEEDED'])
    expect((await client.as('me', 'HEAD', path, draft)).fields['upload-offset']).toBe('2')
    const mine = await client.send('PATCH', path, { ...last, 'X-User': 'me' }, 'llo')
    expect([200, 201, 204]).toContain(mine.status)
  })

  it('is not asked about what is not there', async () => {
    let calls = 0
    const authorize = (): string => `${++calls}`
    const client = await start({ authorize })
    expect((await client.send('HEAD', `/files/${randomUUID()}`)).status).toBe(404)
    expect((await client.send('OPTIONS', '/files/')).status).toBe(204)
    expect(calls).toBe(0)
  })

  it.each([
    ['throws', () => Promise.reject(new Error('secret'))],
    ['throws another code', () => Promise.reject(new UploadError('ERR_UPLOAD_GONE', 'secret'))],
    ['returns no text', () => 5 as unknown as string],
  ])('answers 500 when it %s', async (_what, authorize) => {
    const client = await start({ authorize })
    const { status, body } = await client.send('POST', '/files/', { 'Upload-Length': '5' })
    expect([status, JSON.parse(body).code]).toEqual([500, 'ERR_SERVER_ERROR'])
    expect(body).not.toContain('secret')
  })

  it('lets maxSize be another for each request', async () => {
    const maxSize = async ({ headers, method }: Question['request']): Promise<number | null> => {
      if (method === 'OPTIONS') return 1000
      return headers['x-user'] === 'big' ? null : 4
    }
    const client = await start({ maxSize })
    const options = await client.send('OPTIONS', '/files/')
    expect(options.fields).toMatchObject({ 'tus-max-size': '1000' })
    const small = await client.as('small', 'POST', '/files/', { 'Upload-Length': '5' })
    expect([small.status, JSON.parse(small.body).code]).toEqual([413, 'ERR_MAX_SIZE_EXCEEDED'])
    await client.create({ 'X-User': 'big' })
    // Of a length that is told late as well.
    const fields = { 'Upload-Defer-Length': '1', 'Upload-Length': null }
    const path = await client.create({ 'X-User': 'small', ...fields })
    expect((await client.append('small', path, 'hello')).status).toBe(413)
    expect((await client.append('big', path, 'hello')).status).toBe(204)
  })

  it('announces no maximum where maxSize refuses to tell, and refuses all else', async () => {
    const client = await start({
      maxSize: () => {
        throw new UploadError('ERR_REFUSED', 'who are you?', { status: 401 })
      },
    })
    const options = await client.send('OPTIONS', '/files/')
    expect([options.status, options.fields['tus-max-size']]).toEqual([204, undefined])
    expect((await client.send('POST', '/files/', { 'Upload-Length': '5' })).status).toBe(401)
  })

  it('keeps each owner to a quota', async () => {
    const seen: unknown[] = []
    const quota = async (owner: string, request: Question['request']): Promise<number | null> => {
      seen.push([owner, request.method])
      return owner === 'big' ? null : 8
    }
    const client = await start({ authorize: BY_NAME, quota })
    const path = await client.create({ 'X-User': 'me' })
    const more = await client.as('me', 'POST', '/files/', { 'Upload-Length': '4' })
    expect([more.status, JSON.parse(more.body)]).toMatchObject([
      413,
      { code: 'ERR_QUOTA_EXCEEDED', detail: expect.stringMatching(/4 .* 8 .* 5 /) },
    ])
    await client.create({ 'X-User': 'you' })
    await client.create({ 'X-User': 'big', 'Upload-Length': '1000' })
    await client.append('me', path, 'hello')
    const fields = { 'Upload-Defer-Length': '1', 'Upload-Length': null }
    const deferred = await client.create({ 'X-User': 'me', ...fields })
    seen.length = 0
    expect((await client.append('me', deferred, 'hello you')).status).toBe(413)
    expect((await client.append('me', deferred, 'hello')).status).toBe(204)
    expect((await client.as('me', 'POST', '/files/', { 'Upload-Length': '4' })).status).toBe(413)
    expect(seen).toEqual([
      ['me', 'PATCH'],
      ['me', 'PATCH'],
      ['me', 'POST'],
    ])
  })

  it.each([['quota'], ['maxSize']])('answers 500 when %s throws', async (name) => {
    const rule = (): never => {
      throw new Error('secret')
    }
    const client = await start({ authorize: () => 'me', [name]: rule })
    const { status, body } = await client.send('POST', '/files/', { 'Upload-Length': '5' })
    expect([status, body.includes('secret')]).toEqual([500, false])
  })

  it.each(['HEAD', 'DELETE'])('asks for no quota for a %s', async (method) => {
    let up = true
    const quota = (): number => {
      if (up) return 10
      throw new Error('the database is down')
    }
    const client = await start({ authorize: () => 'me', quota })
    const path = await client.create({ 'Upload-Length': null, 'Upload-Defer-Length': '1' })
    up = false
    expect((await client.send(method, path)).status).toBeLessThan(300)
  })

  it('answers 500 when maxSize returns no number', async () => {
    const client = await start({ maxSize: () => Number.NaN })
    expect((await client.send('POST', '/files/', { 'Upload-Length': '5' })).status).toBe(500)
  })
}

type Fields = Readonly<Record<string, string | null>>

interface Client {
  send(method: string, path: string, fields?: Fields, body?: string): Promise<TestResponse>
  as(user: string, method: string, path: string, fields?: Fields): Promise<TestResponse>
  append(user: string, path: string, body: string): Promise<TestResponse>
  /** Creates an upload of five bytes and resolves with its path. */
  create(fields: Fields, path?: string): Promise<string>
}

function clientOf(server: Running): Client {
  const send: Client['send'] = (method, path, fields = {}, body) => {
    const all = Object.entries({ 'Tus-Resumable': '1.0.0', ...fields })
    const sent = all.filter((entry): entry is [string, string] => entry[1] !== null)
    const request: TestRequest = { method, path, fields: Object.fromEntries(sent) }
    return server.send(body === undefined ? request : { ...request, body: Buffer.from(body) })
  }
  return {
    send,
    as: (user, method, path, fields) => send(method, path, { 'X-User': user, ...fields }),
    append: (user, path, body) => {
      const fields = { ...patchAt(0), 'Content-Type': OFFSET_OCTET_STREAM, 'X-User': user }
      return send('PATCH', path, fields as Fields, body)
    },
    create: async (fields, path = '/files/') => {
      const created = await send('POST', path, { 'Upload-Length': '5', ...fields })
      expect(created.status, created.body).toBe(201)
      return new URL(created.fields.location ?? '').pathname
    },
  }
}

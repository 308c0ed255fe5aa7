import { describe, expect, it, vi } from 'vitest'
import { type CorsOption, corsHeaders, resolveCors } from '../../src/http/cors.ts'

const ask = (origin: string | undefined, preflight = false) => ({
  origin,
  preflight,
  methods: 'POST, PATCH',
})

/** What a page of this origin may read: its own name, `*`, or nothing. */
async function allowed(option: CorsOption, origin: string | undefined): Promise<string | null> {
  const headers = await corsHeaders(resolveCors(option), ask(origin))
  return headers['Access-Control-Allow-Origin'] ?? null
}

describe('cors', () => {
  it('lets every page in by default, without credentials', async () => {
    const headers = await corsHeaders(resolveCors(), ask('https://a.example'))
    expect(headers['Access-Control-Allow-Origin']).toBe('*')
    expect(headers).not.toHaveProperty('Access-Control-Allow-Credentials')
    expect(headers).not.toHaveProperty('Vary')
  })

  it('answers a preflight with methods, fields and age', async () => {
    const policy = resolveCors({ maxAgeSeconds: 60 })
    expect(await corsHeaders(policy, ask('https://a.example', true))).toMatchObject({
      'Access-Control-Allow-Methods': 'POST, PATCH',
      'Access-Control-Max-Age': '60',
    })
  })

  it.each([
    ['Upload-Offset', 'Upload-Length', 'Upload-Metadata', 'Tus-Resumable', 'Upload-Checksum'],
    ['Upload-Complete', 'Upload-Draft-Interop-Version', 'Repr-Digest', 'Content-Type'],
    ['Content-Disposition', 'Content-Encoding', 'Want-Content-Digest'],
  ])('lets pages send the fields of both families: %s …', async (...names) => {
    const headers = await corsHeaders(resolveCors(), ask('https://a.example', true))
    const list = headers['Access-Control-Allow-Headers']?.split(', ')
    expect(list).toEqual(expect.arrayContaining(names))
  })

  it.each([
    ['Location', 'Upload-Offset', 'Upload-Expires', 'Tus-Extension', 'Tus-Checksum-Algorithm'],
    ['Upload-Complete', 'Upload-Limit', 'Upload-Draft-Interop-Version', 'Tussi-Error'],
    ['Content-Digest'],
  ])('shows pages the fields of both families: %s …', async (...names) => {
    const headers = await corsHeaders(resolveCors(), ask('https://a.example'))
    const list = headers['Access-Control-Expose-Headers']?.split(', ')
    expect(list).toEqual(expect.arrayContaining(names))
  })

  it('names the one origin of a list that asks, and says that it varies', async () => {
    const policy = resolveCors({ origins: ['https://a.example'], credentials: true })
    expect(await corsHeaders(policy, ask('https://a.example'))).toMatchObject({
      'Access-Control-Allow-Origin': 'https://a.example',
      'Access-Control-Allow-Credentials': 'true',
      Vary: 'Origin',
    })
  })

  it.each(['https://b.example', undefined, 'null', 'https://a.example.evil'])(
    'gives %s nothing but the Vary of a list',
    async (origin) => {
      const policy = resolveCors({ origins: ['https://a.example'], credentials: true })
      expect(await corsHeaders(policy, ask(origin))).toEqual({ Vary: 'Origin' })
      expect(await corsHeaders(policy, ask(origin, true))).toEqual({ Vary: 'Origin' })
    },
  )

  it('says nothing when it is off', async () => {
    expect(await corsHeaders(resolveCors(false), ask('https://a.example', true))).toEqual({})
  })

  it.each([
    [{ credentials: true }],
    [{ credentials: 'yes', origins: [] }],
    [{ origins: ['a.example'] }],
    [{ origins: ['https://a.example/'] }],
    [{ origins: ['null'] }],
    [{ origins: ['*'] }],
    [{ origins: [5] }],
    [{ origins: [undefined] }],
    [{ origins: '*' }],
    [{ origins: /a/ }],
    [{ maxAgeSeconds: -1 }],
  ])('refuses %j at construction', (option) => {
    expect(() => resolveCors(option as CorsOption)).toThrow(TypeError)
    expect(() => resolveCors(option as CorsOption)).toThrow(/cors\.(origins|credentials|maxAge)/)
  })
})

describe('a RegExp among the origins', () => {
  const origins = ['https://a.example', /https:\/\/[a-z]+\.b\.example|http:\/\/localhost:\d+/g]

  it.each(['https://a.example', 'https://x.b.example', 'http://localhost:3000'])(
    'lets %s in, each time',
    async (origin) => {
      expect(await allowed({ origins }, origin)).toBe(origin)
      expect(await allowed({ origins }, origin)).toBe(origin)
    },
  )

  it.each([
    'https://x.b.example.evil.example',
    'https://evil.example:80/https://x.b.example',
    'https://evil.example, https://x.b.example',
    'http://localhost:3000.evil.example',
    'ahttp://localhost:3000',
    'http://localhost:3000\nx',
    'null',
    undefined,
  ])('has to match the whole: not %j', async (origin) => {
    expect(await allowed({ origins }, origin)).toBe(null)
  })

  it('keeps its flags, but for those that loosen or remember', async () => {
    expect(await allowed({ origins: [/HTTPS:\/\/A\.example/gimy] }, 'https://a.example')).not.toBe(
      null,
    )
  })

  it.each(['https://evil.example, https://a.example', 'https://a.example/path'])(
    'is not shown %j, which is no origin, though it would match',
    async (origin) => {
      expect(await allowed({ origins: [/.*/] }, origin)).toBe(null)
    },
  )
})

describe('a function for the origins', () => {
  it.each([
    ['sync', (origin: string) => origin.endsWith('.a.example')],
    ['async', async (origin: string) => origin.endsWith('.a.example')],
  ])('decides, %s', async (_how, origins) => {
    expect(await allowed({ origins }, 'https://x.a.example')).toBe('https://x.a.example')
    expect(await allowed({ origins }, 'https://x.b.example')).toBe(null)
  })

  it('is not asked about a request without an origin', async () => {
    const origins = vi.fn(() => true)
    const headers = await corsHeaders(resolveCors({ origins }), ask(undefined))
    expect(headers).toEqual({ Vary: 'Origin' })
    expect(origins).not.toHaveBeenCalled()
  })

  it('has said no unless it says true', async () => {
    const origins = (() => 'https://a.example') as unknown as () => boolean
    expect(await allowed({ origins }, 'https://a.example')).toBe(null)
  })

  it.each([
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => JSON.parse('{')],
  ])('that %s is logged, and allows nothing', async (_how, origins) => {
    const error = vi.fn()
    const logger = { info() {}, warn() {}, error }
    const policy = resolveCors({ origins, credentials: true }, logger)
    expect(await corsHeaders(policy, ask('https://a.example'))).toEqual({ Vary: 'Origin' })
    expect(error.mock.calls).toEqual([['cors.origins failed', { error: expect.any(SyntaxError) }]])
  })
})

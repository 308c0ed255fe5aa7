import { describe, expect, it } from 'vitest'
import { corsHeaders, resolveCors } from '../../src/http/cors.ts'

const ask = (origin: string | undefined, preflight = false) => ({
  origin,
  preflight,
  methods: 'POST, PATCH',
})

describe('cors', () => {
  it('lets every page in by default, without credentials', () => {
    const headers = corsHeaders(resolveCors(), ask('https://a.example'))
    expect(headers['Access-Control-Allow-Origin']).toBe('*')
    expect(headers).not.toHaveProperty('Access-Control-Allow-Credentials')
    expect(headers['Access-Control-Expose-Headers']).toMatch(/Upload-Offset.*Tussi-Error/)
  })

  it('answers a preflight with methods, fields and age', () => {
    const headers = corsHeaders(resolveCors({ maxAgeSeconds: 60 }), ask('https://a.example', true))
    expect(headers).toMatchObject({
      'Access-Control-Allow-Methods': 'POST, PATCH',
      'Access-Control-Max-Age': '60',
    })
    expect(headers['Access-Control-Allow-Headers']).toMatch(/Authorization.*Upload-Metadata/)
  })

  it('names the one origin of a list that asks, and says that it varies', () => {
    const policy = resolveCors({ origins: ['https://a.example'], credentials: true })
    expect(corsHeaders(policy, ask('https://a.example'))).toMatchObject({
      'Access-Control-Allow-Origin': 'https://a.example',
      'Access-Control-Allow-Credentials': 'true',
      Vary: 'Origin',
    })
  })

  it.each(['https://b.example', undefined, 'null', 'https://a.example.evil'])(
    'gives %s nothing but the Vary of a list',
    (origin) => {
      const policy = resolveCors({ origins: ['https://a.example'] })
      expect(corsHeaders(policy, ask(origin))).toEqual({ Vary: 'Origin' })
    },
  )

  it('says nothing when it is off', () => {
    expect(corsHeaders(resolveCors(false), ask('https://a.example', true))).toEqual({})
  })

  it.each([
    [{ credentials: true }],
    [{ origins: ['a.example'] }],
    [{ origins: ['https://a.example/'] }],
    [{ origins: ['null'] }],
    [{ maxAgeSeconds: -1 }],
  ])('refuses %j at construction', (option) => {
    expect(() => resolveCors(option)).toThrow(TypeError)
  })
})

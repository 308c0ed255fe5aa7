import { describe, expect, it } from 'vitest'
import {
  isAuthority,
  partIdFrom,
  resolveScheme,
  uploadIdFrom,
  uploadLocation,
} from '../../src/http/location.ts'

const ID = '0f9c5a52-57b7-4b5a-9f0e-6d3a3f8f2b11'

describe('uploadLocation', () => {
  const parts = { scheme: 'http', authority: 'h:1', publicUrl: undefined, id: ID }

  it.each([
    ['/files/', `http://h:1/files/${ID}`],
    ['/files', `http://h:1/files/${ID}`],
    ['/files///', `http://h:1/files/${ID}`],
    ['/a/b/?c=d', `http://h:1/a/b/${ID}`],
    ['/', `http://h:1/${ID}`],
    ['//evil.example/', `http://h:1/evil.example/${ID}`],
    ['http://evil.example/files/', `http://h:1/files/${ID}`],
    ['/ä b/', `http://h:1/%C3%A4%20b/${ID}`],
    ['/a\r\nSet-Cookie: x/', `http://h:1/a%0D%0ASet-Cookie:%20x/${ID}`],
  ])('for %j', (target, location) => {
    expect(uploadLocation({ ...parts, target })).toBe(location)
  })

  it('is a path where no authority is known', () => {
    const located = uploadLocation({ ...parts, authority: undefined, target: '//evil/' })
    expect(located).toBe(`/evil/${ID}`)
  })

  it('is below publicUrl where one is set', () => {
    const publicUrl = 'https://up.example.org/in/'
    expect(uploadLocation({ ...parts, publicUrl, target: '/files/' })).toBe(`${publicUrl}${ID}`)
  })
})

describe('uploadIdFrom', () => {
  it.each([`/files/${ID}`, `/files/${ID}/`, `/${ID}?x=/y`, `/a/${ID.toUpperCase()}`])(
    'finds it in %s',
    (target) => expect(uploadIdFrom(target)).toBe(ID),
  )

  it.each([
    '/',
    '/files/',
    '/files/x',
    `/files/${ID}.meta`,
    `/files/${ID}0`,
    `/files/%30${ID.slice(1)}`,
    `/files/${ID}%00`,
    `/files/..%2f${ID}`,
    `/files/${ID.replaceAll('-', '')}`,
    `/files/${'a'.repeat(5000)}`,
    `/files/?${ID}`,
  ])('finds none in %s', (target) => expect(uploadIdFrom(target)).toBeUndefined())
})

describe('resolveScheme', () => {
  it.each([
    ['https', true, 'https'],
    ['HTTPS , http', true, 'https'],
    ['http', true, 'http'],
    ['javascript', true, 'http'],
    ['', true, 'http'],
    [undefined, true, 'http'],
    ['https', false, 'http'],
  ] as const)('forwarded %j, trusted %j', (forwardedProto, trusted, scheme) => {
    expect(resolveScheme({ scheme: 'http', forwardedProto, trusted })).toBe(scheme)
  })
})

describe('isAuthority', () => {
  it.each(['a', 'a.example:8080', '127.0.0.1', '[::1]', '[::1]:80', 'xn--a', 'a_b', 'h:65535'])(
    'accepts %s',
    (host) => expect(isAuthority(host)).toBe(true),
  )

  it.each([
    '',
    ':80',
    'a:',
    'a:65536',
    'a:x',
    'a b',
    'a/b',
    'u@h',
    'a\r\nb',
    '[::1',
    '::1',
    '[x]',
    'a%2f',
    'a,b c',
    'ä',
    `${'a'.repeat(256)}`,
  ])('refuses %j', (host) => expect(isAuthority(host)).toBe(false))
})

describe('partIdFrom', () => {
  const id = '0a1b2c3d-0000-4000-8000-000000000001'
  const server = { authority: 'H.example:8080', publicUrl: 'https://public.example/up' }

  it.each([
    `/files/${id}`,
    `files/${id}`,
    id,
    `/other/prefix/${id}?a=b`,
    `http://h.example:8080/files/${id}`,
    `HTTPS://H.EXAMPLE:8080/${id.toUpperCase()}`,
    `//h.example:8080/files/${id}`,
    `https://public.example/up/${id}`,
  ])('finds it in %s', (url) => expect(partIdFrom(url, server)).toBe(id))

  it.each([
    `http://h.example/files/${id}`,
    `http://other.example/files/${id}`,
    `//other.example/files/${id}`,
    `http://h.example:8080@other.example/${id}`,
    `http://h.example:8080.other.example/${id}`,
    '/files/',
    `/files/${id}.meta`,
    `/files/${id}/x`,
    'javascript:alert(1)',
  ])('finds none in %s', (url) => expect(partIdFrom(url, server)).toBeUndefined())
})

import { describe, expect, it } from 'vitest'
import {
  formatDigest,
  parseContentDigest,
  parseReprDigests,
} from '../../src/protocol/digest-fields.ts'

const SHA256 = Buffer.alloc(32, 7).toString('base64')
const SHA512 = Buffer.alloc(64, 7).toString('base64')

/** A request with these fields. */
function having(fields: Readonly<Record<string, string>>): (name: string) => string | undefined {
  return (name) => fields[name]
}

function contentDigest(field: string): ReturnType<typeof parseContentDigest> {
  return parseContentDigest(having({ 'content-digest': field }))
}

function wanted(field: string): string | undefined {
  return parseReprDigests(having({ 'want-repr-digest': field }))?.wanted
}

describe('Content-Digest', () => {
  it.each([
    [`sha-256=:${SHA256}:`, { algorithm: 'sha256', digest: SHA256 }],
    [`sha-512=:${SHA512}:`, { algorithm: 'sha512', digest: SHA512 }],
    [`sha-256=:${SHA256}:, sha-512=:${SHA512}:`, { algorithm: 'sha512', digest: SHA512 }],
    [`md5=:AAAA:,sha-256=:${SHA256}:;x=1`, { algorithm: 'sha256', digest: SHA256 }],
    [`sha-256=:AA==:, sha-256=:${SHA256}:`, { algorithm: 'sha256', digest: SHA256 }],
  ])('%s tells the strongest that is known', (field, digest) => {
    expect(contentDigest(field)).toEqual(digest)
  })

  it.each([
    ['nothing', ''],
    ['an unknown algorithm', 'id-sha-256=:AAAA:'],
    ['no dictionary', `sha-256=:${SHA256}`],
    ['a member that breaks the whole field', `sha-256=:${SHA256}:, md5=:`],
    ['what is no byte sequence', 'sha-256="text"'],
  ])('ignores %s', (_, field) => {
    expect(contentDigest(field)).toBeUndefined()
  })

  it.each([`sha-256=:${SHA512}:`, 'sha-512=:AAAA:', 'sha-256=::'])(
    'refuses %s, which the algorithm cannot give',
    (field) => {
      expect(() => contentDigest(field)).toThrow(/must be a byte sequence of (32|64) bytes/)
    },
  )
})

describe('Repr-Digest', () => {
  it('tells what the whole upload hashes to', () => {
    const told = { algorithm: 'sha256', digest: SHA256 } as const
    expect(parseReprDigests(having({ 'repr-digest': formatDigest(told) }))).toEqual({ told })
    expect(formatDigest(told)).toBe(`sha-256=:${SHA256}:`)
  })

  it('is not missed', () => expect(parseReprDigests(having({}))).toBeUndefined())
})

describe('Want-Repr-Digest', () => {
  it.each([
    ['sha-256=1', 'sha256'],
    ['sha-512=3, sha-256=10', 'sha256'],
    ['sha-512=10, sha-256=10', 'sha512'],
    ['sha-512=0, sha-256=1, unixsum=10', 'sha256'],
    ['sha-256=0', undefined],
    ['unixsum=10', undefined],
    ['sha-256=1.5', undefined],
    ['sha-256', undefined],
    ['sha-256=(1 2)', undefined],
    ['sha-256 = 1', undefined],
  ])('%s asks for %s', (field, algorithm) => expect(wanted(field)).toBe(algorithm))
})

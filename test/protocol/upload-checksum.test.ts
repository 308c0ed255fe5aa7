import { describe, expect, it } from 'vitest'
import { CHECKSUM_BYTES, parseUploadChecksum } from '../../src/protocol/upload-checksum.ts'

const digest = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64')

describe('parseUploadChecksum', () => {
  it.each(Object.entries(CHECKSUM_BYTES))('reads %s with its %d bytes', (algorithm, bytes) => {
    const value = { algorithm, digest: digest(bytes) }
    expect(parseUploadChecksum(`${algorithm} ${value.digest}`)).toEqual(value)
  })

  it.each(Object.entries(CHECKSUM_BYTES))(
    'refuses %s with one byte more or less',
    (name, bytes) => {
      expect(parseUploadChecksum(`${name} ${digest(bytes + 1)}`)).toBeUndefined()
      expect(parseUploadChecksum(`${name} ${digest(bytes - 1)}`)).toBeUndefined()
    },
  )

  it.each(['sha3 AAAA', 'crc32c AAAAAA==', 'constructor AAAA', 'blake-3 AAAA'])(
    'knows that it does not know %s',
    (field) => expect(parseUploadChecksum(field)).toBe('unsupported'),
  )

  it.each([
    '',
    'sha1',
    'sha1 ',
    ' sha1 AAAA',
    `SHA1 ${digest(20)}`,
    `sha1\t${digest(20)}`,
    'sha1 A',
  ])('refuses %j', (field) => expect(parseUploadChecksum(field)).toBeUndefined())
})

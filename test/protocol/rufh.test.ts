import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UploadError } from '../../src/errors.ts'
import type { Operation, ShownUpload } from '../../src/protocol/operation.ts'
import {
  formatRufhOutcome,
  limits,
  parseRufhRequest,
  type RufhServer,
} from '../../src/protocol/rufh.ts'
import { formatRufhRefusal } from '../../src/protocol/rufh-refusal.ts'
import {
  NO_VERSION,
  RUFH_VERSIONS,
  type RufhVersion,
  rufhVersionOf,
} from '../../src/protocol/rufh-versions.ts'

const ID = '00000000-0000-4000-8000-000000000000'
const NOW = 1_800_000_000_000
const SERVER: RufhServer = {
  maxSize: null,
  maxChunkSize: null,
  minima: { size: 0, chunkSize: 0 },
  maxMetadataSize: 4096,
  lifetimeMs: null,
  now: () => NOW,
}
const UPLOAD: ShownUpload = {
  length: 10,
  offset: 5,
  uploadMetadata: '',
  expiresAt: null,
  state: 'receiving',
  notes: {},
}
const MINIMA = { size: 4, chunkSize: 2 }
const BEGUN: ShownUpload = { ...UPLOAD, notes: { minima: MINIMA } }
const VERSIONS = [...RUFH_VERSIONS, NO_VERSION]
const V8 = rufhVersionOf('8')
const V3 = rufhVersionOf('3')

function parse(
  method: string,
  fields: Readonly<Record<string, string>>,
  version: RufhVersion = V8,
): Operation {
  const header = (name: string): string | undefined => fields[name]
  return parseRufhRequest({ method, id: ID, header }, version, SERVER)
}

describe('rufhVersionOf', () => {
  it.each([3, 4, 5, 6, 7, 8])('knows %d', (interop) => {
    expect(rufhVersionOf(`${interop}`).interop).toBe(interop)
  })

  it.each([undefined, '', '2', '9', 'abc', '8, 8', '8.0'])('does not know %s', (field) => {
    expect(rufhVersionOf(field)).toBe(NO_VERSION)
  })
})

describe('a creation', () => {
  it.each([
    [
      { 'upload-complete': '?1', 'content-length': '5' },
      { length: 5, complete: true },
    ],
    [
      { 'upload-complete': '?0', 'content-length': '5' },
      { length: null, complete: false },
    ],
    [{ 'upload-complete': '?1' }, { length: null, complete: true }],
    [
      { 'upload-complete': '?0', 'upload-length': '9', 'content-length': '5' },
      { length: 9, complete: false, content: { contentLength: 5 } },
    ],
    [
      { 'upload-complete': '?1', 'upload-length': '5', 'content-length': '5' },
      { length: 5, complete: true },
    ],
  ])('%j', (fields, operation) => {
    expect(parse('POST', fields)).toMatchObject({ type: 'create', ...operation })
  })

  it('turns the completeness of interop 3 round', () => {
    expect(parse('POST', { 'upload-incomplete': '?1' }, V3)).toMatchObject({ complete: false })
    expect(parse('PUT', { 'upload-incomplete': '?0' }, V3)).toMatchObject({ complete: true })
    expect(() => parse('POST', { 'upload-complete': '?0' }, V3)).toThrow(/Upload-Incomplete/)
  })

  it('takes metadata from the fields of HTTP, but what a tus client says comes first', () => {
    const fields = {
      'upload-complete': '?1',
      'content-type': 'image/png',
      'content-encoding': 'gzip',
      'content-disposition': 'inline; filename="é.png"',
    }
    expect(parse('POST', fields)).toMatchObject({
      metadata: {
        values: { filename: 'é.png', filetype: 'image/png', 'content-encoding': 'gzip' },
      },
    })
    const said = { ...fields, 'upload-metadata': 'filename YQ==' }
    expect(parse('POST', said)).toMatchObject({
      metadata: {
        values: { filename: 'a', filetype: 'image/png' },
        echo: 'filename YQ==,filetype aW1hZ2UvcG5n,content-encoding Z3ppcA==',
      },
    })
    const noText = { ...fields, 'upload-metadata': 'filename /w==' }
    expect(parse('POST', noText)).toMatchObject({
      metadata: { echo: 'filename /w==,filetype aW1hZ2UvcG5n,content-encoding Z3ppcA==' },
    })
  })

  it('bounds what it takes', () => {
    const type = 'x'.repeat(4000)
    expect(() => parse('POST', { 'upload-complete': '?1', 'content-type': type })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_METADATA' }),
    )
  })

  it('does not take the type of a part for that of the file', () => {
    const fields = { 'upload-complete': '?0', 'content-type': 'application/partial-upload' }
    expect(parse('POST', fields)).toMatchObject({ metadata: { values: {}, echo: '' } })
  })
})

describe('an append', () => {
  const fields = {
    'content-type': 'application/partial-upload; x=y',
    'upload-offset': '5',
    'upload-complete': '?1',
    'content-length': '3',
  }

  it('tells the length by its end', () => {
    expect(parse('PATCH', fields)).toEqual({
      type: 'append',
      id: ID,
      offset: 5,
      complete: true,
      contentLength: 3,
      length: 8,
    })
  })

  it('has any type before interop 6', () => {
    const { 'content-type': _type, ...rest } = fields
    const accepting = VERSIONS.filter((version) => {
      const says = version.completeness === 'Upload-Incomplete' ? { 'upload-incomplete': '?0' } : {}
      try {
        return parse('PATCH', { ...rest, ...says }, version).type === 'append'
      } catch {
        return false
      }
    })
    expect(accepting.map(({ interop }) => interop)).toEqual([3, 4, 5])
  })

  it('either is understood or refused by a code, whatever its fields say', () => {
    const value = fc.oneof(
      fc.constantFrom('?0', '?1', '0', '5', '-1', 'application/partial-upload'),
      fc.string(),
    )
    const names = Object.keys({ ...fields, 'upload-length': '' })
    const any = fc.record(Object.fromEntries(names.map((name) => [name, value])), {
      requiredKeys: [],
    })
    fc.assert(
      fc.property(fc.constantFrom(...VERSIONS), any, (version, given) => {
        try {
          const operation = parse('PATCH', given as Record<string, string>, version)
          expect(operation).toMatchObject({ type: 'append', complete: expect.any(Boolean) })
        } catch (error) {
          expect(error).toBeInstanceOf(UploadError)
        }
      }),
    )
  })
})

describe('an answer', () => {
  const location = 'http://x/files/1'

  it('never says that an upload is complete that is not, in any version', () => {
    for (const version of VERSIONS) {
      for (const state of ['receiving', 'sealed', 'completed', 'acknowledged']) {
        const upload = { ...UPLOAD, state }
        const complete = state !== 'receiving'
        for (const outcome of [
          { type: 'created', upload, location },
          { type: 'appended', upload },
          { type: 'retrieved', upload },
        ] as const) {
          const { headers } = formatRufhOutcome(outcome, version, SERVER)
          const says = headers[version.completeness]
          expect(says).toBe(complete === (version.interop !== 3) ? '?1' : '?0')
          expect(headers['Upload-Offset']).toBe('5')
        }
      }
    }
  })

  it('of the request that completes is that of the application, again and again', () => {
    const answer = { status: 202, headers: { location: '/film/1' }, body: '{"id":1}' }
    const upload = { ...UPLOAD, state: 'completed', notes: { answer } }
    const created = { type: 'created', upload, location } as const
    expect(formatRufhOutcome(created, V8, SERVER)).toMatchObject({
      status: 202,
      body: '{"id":1}',
      headers: { location: '/film/1', 'Upload-Complete': '?1', 'Content-Type': 'application/json' },
    })
    expect(formatRufhOutcome(created, V8, SERVER).headers).not.toHaveProperty('Location')
    expect(formatRufhOutcome({ type: 'appended', upload }, V8, SERVER)).toMatchObject({
      status: 202,
      headers: { location: '/film/1', 'Upload-Complete': '?1' },
    })
  })
})

describe('limits', () => {
  const expiresAt = new Date(NOW + 61_500)

  it.each([
    [{}, undefined, 'min-size=0'],
    [{ maxSize: 7, maxChunkSize: 3 }, undefined, 'max-size=7, max-append-size=3'],
    [{ lifetimeMs: 60_000 }, undefined, 'max-age=60'],
    [{ lifetimeMs: 60_000 }, { ...UPLOAD, expiresAt }, 'max-age=61'],
    [{ lifetimeMs: 60_000 }, UPLOAD, 'min-size=0'],
    [{ minima: MINIMA }, undefined, 'min-size=4, min-append-size=2'],
    [
      { minima: MINIMA, maxChunkSize: 3 },
      BEGUN,
      'min-size=4, max-append-size=3, min-append-size=2',
    ],
    // The server was set to something else after the upload had begun.
    [{ minima: { size: 5, chunkSize: 3 } }, BEGUN, 'min-size=4, min-append-size=2'],
    [{ minima: { size: 3, chunkSize: 0 } }, BEGUN, 'min-size=3'],
    [{ minima: MINIMA }, UPLOAD, 'min-size=0'],
    [{ maxSize: 7 }, UPLOAD, 'max-size=10'],
  ])('%j %j', (server, upload, field) => {
    expect(limits(V8, { ...SERVER, ...server }, upload)).toEqual({ 'Upload-Limit': field })
  })

  it('have another name in interop 6, and are unknown before', () => {
    const server = { ...SERVER, lifetimeMs: 60_000 }
    expect(limits(rufhVersionOf('6'), server)).toEqual({ 'Upload-Limit': 'expires=60' })
    for (const interop of ['3', '4', '5'])
      expect(limits(rufhVersionOf(interop), server)).toEqual({})
  })
})

describe('a refusal', () => {
  const header = (name: string): string | undefined => (name === 'upload-offset' ? '7' : undefined)
  const refusal = (code: UploadError['code'], method = 'PATCH', status?: number): object => {
    const given = { offset: 5, minimum: 1, ...(status && { status }) }
    const error = new UploadError(code, 'why', given)
    const server = { ...SERVER, minima: MINIMA, maxSize: 7, maxChunkSize: 3, lifetimeMs: 60_000 }
    const request = { method, id: ID, header }
    return formatRufhRefusal(error, { request, version: V8, server, admitted: true })
  }

  it.each([
    ['ERR_MISMATCHED_OFFSET', { members: { 'expected-offset': 5, 'provided-offset': 7 } }],
    ['ERR_INVALID_UPLOAD_LENGTH', { type: 'inconsistent-upload-length' }],
    ['ERR_UPLOAD_SIZE_EXCEEDED', { status: 400, type: 'inconsistent-upload-length' }],
    ['ERR_MAX_SIZE_EXCEEDED', { headers: { 'Upload-Limit': 'max-size=7, max-append-size=3' } }],
    ['ERR_MIN_SIZE_NOT_REACHED', { headers: { 'Upload-Limit': 'min-size=1, max-append-size=3' } }],
    [
      'ERR_CHUNK_SIZE_NOT_REACHED',
      { headers: { 'Upload-Limit': 'max-append-size=3, min-append-size=1' } },
    ],
    ['ERR_INVALID_CONTENT_TYPE', { headers: { 'Accept-Patch': 'application/partial-upload' } }],
    ['ERR_UPLOAD_LOCKED', { headers: { 'Upload-Complete': '?0' } }],
  ] as const)('%s', (code, changes) => {
    expect(refusal(code)).toMatchObject(changes)
  })

  it('tells who begins all limits, and who goes on none that may be another for the upload', () => {
    expect(refusal('ERR_CHUNK_SIZE_EXCEEDED', 'POST')).toMatchObject({
      headers: {
        'Upload-Limit': 'max-size=7, min-size=4, max-append-size=3, min-append-size=2, max-age=60',
      },
    })
    expect(refusal('ERR_CHUNK_SIZE_EXCEEDED')).toMatchObject({
      headers: { 'Upload-Limit': 'max-append-size=3' },
    })
  })

  it('says that the upload is not complete where it was written to, unless the application refused', () => {
    expect(refusal('ERR_UPLOAD_NOT_FOUND', 'HEAD')).toEqual({ headers: {} })
    expect(refusal('ERR_REFUSED')).toEqual({ headers: { 'Upload-Complete': '?1' } })
    expect(refusal('ERR_REFUSED', 'PATCH', 401)).toEqual({ headers: { 'Upload-Complete': '?0' } })
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UploadError, type UploadErrorCode } from '../../src/errors.ts'
import { PROBLEMS, toProblem } from '../../src/http/problem.ts'

/** What tus-js-client sends again by itself; every other 4xx is final for it. */
const RETRIED = [409, 423]

describe('toProblem', () => {
  it.each(Object.keys(PROBLEMS) as UploadErrorCode[])('answers %s by problem+json', (code) => {
    const { status, headers, body } = toProblem(new UploadError(code, 'why'))
    expect(headers).toMatchObject({
      'Content-Type': 'application/problem+json',
      'Tussi-Error': code,
    })
    expect(JSON.parse(body)).toMatchObject({ status, code, title: expect.stringMatching(/./) })
    expect(status).toBeGreaterThanOrEqual(400)
  })

  it.each([
    ['ERR_UPLOAD_LOCKED', 423],
    ['ERR_SHUTTING_DOWN', 503],
  ] as const)('tells when to come back after %s', (code, status) => {
    expect(toProblem(new UploadError(code, 'x'))).toMatchObject({
      status,
      headers: { 'Retry-After': '1' },
    })
  })

  it('makes only those refusals retriable that another try can mend', () => {
    const retried = Object.entries(PROBLEMS).filter(([, { status }]) => RETRIED.includes(status))
    expect(retried.map(([code]) => code).sort()).toEqual([
      'ERR_MISMATCHED_OFFSET',
      'ERR_UPLOAD_EXISTS',
      'ERR_UPLOAD_INTERRUPTED',
      'ERR_UPLOAD_LOCKED',
    ])
  })

  it('shows the true offset', () => {
    const { headers, body } = toProblem(
      new UploadError('ERR_MISMATCHED_OFFSET', 'x', { offset: 7 }),
    )
    expect(headers['Upload-Offset']).toBe('7')
    expect(JSON.parse(body)).toMatchObject({ offset: 7 })
  })

  it('refuses with the status that the application chose', () => {
    const error = new UploadError('ERR_REFUSED', 'not today', { status: 429 })
    expect(toProblem(error)).toMatchObject({
      status: 429,
      body: expect.stringContaining('not today'),
    })
  })

  it.each([
    new Error('/secret/path'),
    new UploadError('ERR_STORAGE', '/secret/path'),
    '/secret/path',
    undefined,
  ])('shows nothing of the inside of %s, but keeps it for the log', (thrown) => {
    const { status, body, error } = toProblem(thrown)
    expect(status).toBe(500)
    expect(body).not.toContain('secret')
    if (!(thrown instanceof UploadError)) expect(error.cause).toBe(thrown)
  })
})

/** Codes that only workers and constructors meet. */
const NOT_OVER_HTTP = [
  'ERR_ALREADY_SAVED',
  'ERR_CLAIM_ENDED',
  'ERR_DIRECTORY',
  'ERR_FILE_EXISTS',
  'ERR_NATIVE_UNAVAILABLE',
]

describe('docs/protocol.md', () => {
  it('lists every refusal with its status', () => {
    const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| (\d{3}) \| `(ERR_\w+)` \|/gm)]
    const listed = rows.map(([, status, code]) => `${code} ${status}`)
    const known = Object.entries(PROBLEMS)
      .filter(([code]) => !NOT_OVER_HTTP.includes(code))
      .map(([code, { status }]) => `${code} ${status}`)
    expect(listed.sort()).toEqual(known.sort())
  })
})

describe('UploadError', () => {
  it('takes a status for ERR_REFUSED only, and only a 4xx', () => {
    expect(() => new UploadError('ERR_STORAGE', 'x', { status: 403 })).toThrow(TypeError)
    expect(() => new UploadError('ERR_REFUSED', 'x', { status: 500 })).toThrow(TypeError)
  })
})

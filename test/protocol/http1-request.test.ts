/** Which heads are read here, and what of them; all others are for a parser that knows everything. */
import { describe, expect, it } from 'vitest'
import { parseHttp1Request } from '../../src/protocol/http1-request.ts'

const LINE = 'PATCH /files/a?b=c HTTP/1.1'

function parse(...lines: readonly string[]): ReturnType<typeof parseHttp1Request> {
  return parseHttp1Request(lines.map((line) => `${line}\r\n`).join(''))
}

describe('a head in the common form', () => {
  it('has a method, a target, fields and a length', () => {
    const request = parse(LINE, 'Host: a', 'Upload-Offset:5', 'content-length: 12', 'X: ')
    const { fields, ...rest } = request ?? {}
    expect(rest).toEqual({
      method: 'PATCH',
      target: '/files/a?b=c',
      contentLength: 12,
      close: false,
    })
    expect(Object.fromEntries(fields ?? [])).toEqual({
      host: 'a',
      'upload-offset': '5',
      'content-length': '12',
      x: '',
    })
  })

  it.each([
    ['spaces and tabs around a value', 'X: \t a b \t ', 'a b'],
    ['none', 'X:a', 'a'],
    ['a colon in a value', 'X: a:b', 'a:b'],
    ['only space', 'X: \t ', ''],
    ['bytes beyond ASCII', 'X: \xe4\xff', '\xe4\xff'],
    ['a no-break space, which is no space here', 'X: \xa0a\xa0', '\xa0a\xa0'],
  ])('takes %s', (_what, line, value) => {
    expect(parse(LINE, 'Host: a', line)?.fields.get('x')).toBe(value)
  })

  it.each(['HEAD', 'POST', 'PATCH', 'DELETE'])('may be a %s', (method) => {
    expect(parse(`${method} / HTTP/1.1`, 'Host: a')).toMatchObject({ method, contentLength: 0 })
  })

  it.each([
    ['keep-alive', false],
    ['Keep-Alive', false],
    ['close', true],
    ['CLOSE', true],
  ])('may say of its connection %s', (value, close) => {
    expect(parse(LINE, 'Host: a', `Connection: ${value}`)).toMatchObject({ close })
  })

  it('is not fooled by names that objects have', () => {
    const fields = parse(LINE, 'Host: a', '__proto__: x', 'constructor: y')?.fields
    expect([fields?.get('__proto__'), fields?.get('constructor')]).toEqual(['x', 'y'])
  })
})

describe('a head that is left to another parser', () => {
  it.each([
    ['another method', 'GET / HTTP/1.1', 'Host: a'],
    ['a method in small letters', 'head / HTTP/1.1', 'Host: a'],
    ['another version', 'HEAD / HTTP/1.0', 'Host: a'],
    ['an absolute target', 'HEAD http://a/ HTTP/1.1', 'Host: a'],
    ['a target with a space', 'HEAD /a b HTTP/1.1', 'Host: a'],
    ['a target beyond ASCII', 'HEAD /\xe4 HTTP/1.1', 'Host: a'],
    ['two spaces', 'HEAD  / HTTP/1.1', 'Host: a'],
    ['an empty line first', '', LINE, 'Host: a'],
    ['no host', LINE],
    ['two hosts', LINE, 'Host: a', 'host: a'],
    ['a field twice', LINE, 'Host: a', 'X: 1', 'x: 1'],
    ['a space before the colon', LINE, 'Host: a', 'X : 1'],
    ['a space before the name', LINE, 'Host: a', ' X: 1'],
    ['a folded line', LINE, 'Host: a', 'X: 1', ' 2'],
    ['a line without a colon', LINE, 'Host: a', 'X'],
    ['an empty name', LINE, 'Host: a', ': 1'],
    ['a name beyond the grammar', LINE, 'Host: a', 'X@: 1'],
    ['a bare line feed', LINE, 'Host: a\nX: 1'],
    ['a bare carriage return', LINE, 'Host: a\rX: 1'],
    ['a zero byte', LINE, 'Host: a', 'X: \x00'],
    ['a delete character', LINE, 'Host: a', 'X: \x7f'],
    ['chunks', LINE, 'Host: a', 'Transfer-Encoding: chunked'],
    ['chunks and a length', LINE, 'Host: a', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    ['an expectation', LINE, 'Host: a', 'Expect: 100-continue'],
    ['an upgrade', LINE, 'Host: a', 'Upgrade: h2c'],
    ['trailers', LINE, 'Host: a', 'Trailer: Upload-Checksum'],
    ['a connection with more to say', LINE, 'Host: a', 'Connection: keep-alive, Upgrade'],
    ['a body of a HEAD', 'HEAD / HTTP/1.1', 'Host: a', 'Content-Length: 1'],
    ['a body of a DELETE', 'DELETE / HTTP/1.1', 'Host: a', 'Content-Length: 1'],
  ])('has %s', (_what, ...lines) => {
    expect(parse(...lines)).toBeUndefined()
  })

  it.each(['', '+1', '-1', '01', '1,1', '0x1', '1 1', '1.0', '1e3', '9999999999999999'])(
    'has the length %j',
    (length) => {
      expect(parse(LINE, 'Host: a', `Content-Length: ${length}`)).toBeUndefined()
    },
  )

  it('has no end of its last line', () => {
    expect(parseHttp1Request(`${LINE}\r\nHost: a`)).toBeUndefined()
    expect(parseHttp1Request(`${LINE}\r\nHost: a\n`)).toBeUndefined()
  })
})

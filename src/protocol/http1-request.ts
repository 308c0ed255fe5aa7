/**
 * The head of an HTTP/1.1 request (RFC 9112) in the one form that nearly all have. Whatever two parsers
 * could read in two ways, or asks for more than an answer, is left to a parser that knows everything.
 * Pure.
 *
 * @module
 */

/** What a request says before its body. */
export interface Http1Request {
  readonly method: string
  /** Origin form: path and query. */
  readonly target: string
  /** By lower-case name; each came once. */
  readonly fields: ReadonlyMap<string, string>
  readonly contentLength: number
  /** The client wants no further answer on this connection. */
  readonly close: boolean
}

const REQUEST_LINE = /^(HEAD|POST|PATCH|DELETE) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n/
/** No byte fits two of its parts, so it takes no longer for what fails. */
const FIELD_LINE =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*((?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?)\r\n/y
const CONTENT_LENGTH = /^(?:0|[1-9]\d{0,14})$/

/** They frame the body in another way, or want something of the connection. */
const BEYOND: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'trailer',
  'te',
  'expect',
  'upgrade',
  'http2-settings',
  'proxy-connection',
])

/** `head` is in Latin-1, from the first byte to the end of the last field line; `undefined` is no verdict. */
export function parseHttp1Request(head: string): Http1Request | undefined {
  const line = REQUEST_LINE.exec(head)
  if (!line) return undefined
  const [{ length }, method = '', target = ''] = line
  const fields = parseFields(head, length)
  if (!fields?.has('host')) return undefined
  const contentLength = fields.get('content-length') ?? '0'
  const connection = (fields.get('connection') ?? 'keep-alive').toLowerCase()
  const bodiless = method === 'HEAD' || method === 'DELETE'
  const common =
    CONTENT_LENGTH.test(contentLength) &&
    (connection === 'keep-alive' || connection === 'close') &&
    !(bodiless && contentLength !== '0')
  if (!common) return undefined
  const close = connection === 'close'
  return { method, target, fields, contentLength: Number(contentLength), close }
}

function parseFields(head: string, start: number): Map<string, string> | undefined {
  const fields = new Map<string, string>()
  FIELD_LINE.lastIndex = start
  let end = start
  while (end < head.length) {
    const match = FIELD_LINE.exec(head)
    if (!match) return undefined
    const name = (match[1] as string).toLowerCase()
    if (BEYOND.has(name) || fields.has(name)) return undefined
    fields.set(name, withoutSpaceAtEnd(match[2] as string))
    end = FIELD_LINE.lastIndex
  }
  return fields
}

/** `trimEnd` would take more than the optional space of the grammar. */
function withoutSpaceAtEnd(value: string): string {
  let end = value.length
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end--
  return end === value.length ? value : value.slice(0, end)
}

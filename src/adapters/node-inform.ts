/** Informational responses from `node:http` and `node:http2`, as far as the running Node.js has them. @module */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { isField } from './field.ts'
import type { NodeRequest } from './node-request.ts'

/** Sends one informational response. */
export type Inform = (status: number, headers: Readonly<Record<string, string>>) => void

const REASONS: Readonly<Record<number, string>> = { 104: 'Upload Resumption Supported' }

/** Newer than the types: from 24.19 and 26.6 on there is `writeInformation`. */
type Writable = ServerResponse & {
  writeInformation?: (status: number, headers: Readonly<Record<string, string>>) => void
  /** In every version; in order with pipelined answers, and no head of a final one. */
  _writeRaw?: (text: string, encoding: 'latin1') => void
}

/** `undefined` for a client of HTTP/1.0, which must not get any (RFC 9110, 15.2), and for a strange response. */
export function informOf(
  req: NodeRequest,
  res: ServerResponse | Http2ServerResponse,
): Inform | undefined {
  if ('stream' in res) return (status, headers) => informHttp2(res, status, headers)
  if (req.httpVersionMajor !== 1 || req.httpVersionMinor < 1) return undefined
  const { writeInformation, _writeRaw } = res as Writable
  if (!writeInformation && !_writeRaw) return undefined
  return (status, headers) => {
    if (res.headersSent || res.destroyed || !areFields(headers)) return
    if (writeInformation) {
      // Node.js takes the reason from this table, and does not know all of them.
      STATUS_CODES[status] ??= reasonOf(status)
      writeInformation.call(res, status, headers)
      return
    }
    _writeRaw?.call(res, formatInformational(status, headers), 'latin1')
  }
}

function informHttp2(
  { stream, headersSent }: Http2ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  if (headersSent || !stream || stream.destroyed || !areFields(headers)) return
  stream.additionalHeaders({ ':status': status, ...headers })
}

/** In Latin-1; the fields have been checked. */
export function formatInformational(
  status: number,
  headers: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${reasonOf(status)}\r\n${lines.join('')}\r\n`
}

function reasonOf(status: number): string {
  return REASONS[status] ?? STATUS_CODES[status] ?? ''
}

/** Raw text is checked by nobody else. */
export function areFields(headers: Readonly<Record<string, string>>): boolean {
  return Object.entries(headers).every(([name, value]) => isField(name, value))
}

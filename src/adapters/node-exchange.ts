/** A request of `node:http` or `node:http2` as the core sees it. @module */
import type { IncomingHttpHeaders } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Exchange } from '../http/exchange.ts'
import type { NodeContent } from './node-content.ts'
import type { Inform } from './node-inform.ts'
import type { NodeRequest } from './node-request.ts'

/**
 * A class, because objects with an accessor of their own would each be of another shape, and reading
 * them slow: measured, a twentieth of the time for a small upload.
 */
export class NodeExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly scheme: 'http' | 'https'
  readonly content: NodeContent
  readonly remoteAddress: string | undefined
  readonly inform?: Inform
  readonly #req: NodeRequest

  constructor(req: NodeRequest, content: NodeContent, inform: Inform | undefined) {
    const { originalUrl } = req as { originalUrl?: string }
    this.method = req.method ?? 'GET'
    this.target = originalUrl ?? req.url ?? '/'
    this.scheme = (req.socket as TLSSocket).encrypted ? 'https' : 'http'
    this.content = content
    this.remoteAddress = req.socket.remoteAddress
    if (inform) this.inform = inform
    this.#req = req
  }

  header(name: string): string | undefined {
    return joined(this.#req.headers[name])
  }

  headers(): Record<string, string> {
    return allFields(this.#req.headers)
  }

  /**
   * The host of an absolute target comes before the `Host` field (RFC 9112, 3.2.2). Node keeps the
   * first of two such fields; together they are no valid authority (3.2), and are shown as they are.
   */
  get authority(): string | undefined {
    const { headers, rawHeaders, url = '' } = this.#req
    const authority = headers[':authority'] as string | undefined
    if (authority !== undefined) return authority
    const absolute = /^https?:\/\/([^/?#]*)/i.exec(url)
    if (absolute) return absolute[1]
    if (headers.host === undefined) return undefined
    const hosts = rawHeaders.filter((_, i) => i % 2 === 1 && isHost(rawHeaders[i - 1]))
    return hosts.join(', ')
  }
}

function isHost(name: string | undefined): boolean {
  return name?.length === 4 && name.toLowerCase() === 'host'
}

function joined(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function allFields(headers: IncomingHttpHeaders): Record<string, string> {
  const fields: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':')) fields.push([name, joined(value) ?? ''])
  }
  return Object.fromEntries(fields)
}

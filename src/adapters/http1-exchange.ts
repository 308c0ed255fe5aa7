/** A request whose head was read here, as the core sees it. @module */
import type { Exchange } from '../http/exchange.ts'
import type { Http1Request } from '../protocol/http1-request.ts'
import type { Http1Content } from './http1-content.ts'
import type { Inform } from './node-inform.ts'

/** What it came on. */
export interface Http1Origin {
  readonly remoteAddress: string | undefined
  readonly inform: Inform
}

export class Http1Exchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly scheme = 'http'
  readonly authority: string | undefined
  readonly content: Http1Content
  readonly remoteAddress: string | undefined
  readonly inform: Inform
  readonly #fields: ReadonlyMap<string, string>

  constructor(request: Http1Request, content: Http1Content, origin: Http1Origin) {
    this.method = request.method
    this.target = request.target
    this.authority = request.fields.get('host')
    this.content = content
    this.remoteAddress = origin.remoteAddress
    this.inform = origin.inform
    this.#fields = request.fields
  }

  header(name: string): string | undefined {
    return this.#fields.get(name)
  }

  headers(): Record<string, string> {
    return Object.fromEntries(this.#fields)
  }
}

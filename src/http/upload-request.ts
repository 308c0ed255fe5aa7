/** A request as the hooks of an application see it. @module */
import type { UploadRequest } from '../upload/authorize.ts'
import type { Exchange } from './exchange.ts'

/** A class: an object with an accessor of its own costs a shape for each request that waits. */
class ExchangeRequest implements UploadRequest {
  readonly method: string
  readonly target: string
  readonly remoteAddress: string | undefined
  readonly #exchange: Exchange
  #headers: Readonly<Record<string, string>> | undefined

  constructor(method: string, exchange: Exchange) {
    this.method = method
    this.target = exchange.target
    this.remoteAddress = exchange.remoteAddress
    this.#exchange = exchange
  }

  /** Gathered only when somebody asks. */
  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= Object.freeze(this.#exchange.headers())
    return this.#headers
  }
}

export function toUploadRequest(method: string, exchange: Exchange): UploadRequest {
  return new ExchangeRequest(method, exchange)
}

/** A request as the hooks of an application see it. @module */
import type { UploadRequest } from '../upload/authorize.ts'
import type { Exchange } from './exchange.ts'

/** Fields are only gathered when somebody asks. */
export function toUploadRequest(method: string, exchange: Exchange): UploadRequest {
  const { target, remoteAddress } = exchange
  let fields: Readonly<Record<string, string>> | undefined
  return {
    method,
    target,
    remoteAddress,
    get headers() {
      fields ??= Object.freeze(exchange.headers())
      return fields
    },
  }
}

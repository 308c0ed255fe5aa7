/** `Want-Content-Digest` (RFC 9530): answers that have a body tell its digest. @module */
import { createHash } from 'node:crypto'
import { formatDigest, parseWanted } from '../protocol/digest-fields.ts'
import type { Exchange, Reply } from './exchange.ts'

/** Of the body as it is sent, by the algorithm that the client prefers. */
export function withContentDigest(reply: Reply, header: Exchange['header']): Reply {
  const { body, headers } = reply
  if (body === undefined) return reply
  const algorithm = parseWanted(header('want-content-digest') ?? '')
  if (!algorithm) return reply
  const digest = createHash(algorithm).update(body).digest('base64')
  const field = formatDigest({ algorithm, digest })
  return { ...reply, headers: [...headers, { 'Content-Digest': field }] }
}

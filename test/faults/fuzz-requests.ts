/** Valid requests, and what becomes of them when bytes, fields and lengths go wrong. Seeded. @module */
import { createHash } from 'node:crypto'
import { metadata } from '../serve.ts'
import type { Dice } from './dice.ts'
import { CHANGES, DAMAGES, type Draft } from './fuzz-changes.ts'
import { NASTY_CHUNKS } from './fuzz-dictionary.ts'

/** An upload that requests may do anything to. */
export interface Target {
  readonly path: string
  offset: number
}

/** Whom requests name. */
export interface FuzzedUploads {
  readonly targets: Target[]
  /** Paths of uploads that are only looked at. */
  readonly bystanders: readonly string[]
}

/** The largest upload that valid requests create. */
export const MAX_LENGTH = 5000

/** Bytes for one connection: requests, most of them broken in some way. */
export function fuzzed(dice: Dice, uploads: FuzzedUploads): Buffer {
  const count = dice.chance(0.15) ? 2 + dice.below(3) : 1
  const requests = Array.from({ length: count }, () => {
    const draft = valid(dice, uploads)
    for (let n = dice.below(3); n > 0; n--) dice.pick(CHANGES)(draft, dice)
    return toBytes(draft, dice)
  })
  let bytes: Buffer = Buffer.concat(requests)
  if (dice.chance(0.25)) {
    for (let n = 1 + dice.below(4); n > 0; n--) bytes = dice.pick(DAMAGES)(bytes, dice)
  }
  return bytes
}

function valid(dice: Dice, { targets, bystanders }: FuzzedUploads): Draft {
  const target = dice.pick(targets)
  const tus: [string, string][] = [
    ['Host', 'localhost'],
    ['Tus-Resumable', '1.0.0'],
  ]
  const draft = { method: 'HEAD', target: target.path, version: 'HTTP/1.1', body: Buffer.alloc(0) }
  const kind = dice.below(10)
  if (kind < 2) return { ...draft, target: dice.pick([target.path, ...bystanders]), fields: tus }
  if (kind < 4) return { ...draft, ...creation(dice, tus), target: '/files/' }
  if (kind === 4) {
    const method = dice.pick(['OPTIONS', 'DELETE', 'GET', 'PUT', 'TRACE'])
    const preflight: [string, string][] = [
      ['Origin', 'https://example.org'],
      ['Access-Control-Request-Method', 'PATCH'],
    ]
    return { ...draft, method, fields: [...tus, ...preflight] }
  }
  const append = { ...draft, ...appending(dice, tus, target) }
  if (kind > 5) return append
  const override = dice.pick(['PATCH', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'patch'])
  append.fields.push(['X-HTTP-Method-Override', override])
  return { ...append, method: 'POST' }
}

function creation(
  dice: Dice,
  tus: readonly [string, string][],
): Pick<Draft, 'method' | 'fields' | 'body'> {
  const name = dice.bytes(dice.below(20)).toString('hex')
  const body = dice.chance(0.3) ? dice.bytes(dice.below(300)) : Buffer.alloc(0)
  const length = `${dice.below(MAX_LENGTH)}`
  const fields: [string, string][] = [
    ...tus,
    dice.chance(0.2) ? ['Upload-Defer-Length', '1'] : ['Upload-Length', length],
    ['Upload-Metadata', metadata({ filename: `a${name}`, filetype: 'text/plain' })],
    ['Content-Length', `${body.length}`],
  ]
  if (body.length > 0) fields.push(['Content-Type', 'application/offset+octet-stream'])
  if (dice.chance(0.2)) fields.push(checksumOf(body, dice))
  return { method: 'POST', fields, body }
}

/** Right for the body as it is now. */
function checksumOf(body: Uint8Array, dice: Dice): [string, string] {
  const algorithm = dice.pick(['md5', 'sha1', 'sha256', 'sha512'])
  return ['Upload-Checksum', `${algorithm} ${createHash(algorithm).update(body).digest('base64')}`]
}

function appending(
  dice: Dice,
  tus: readonly [string, string][],
  target: Target,
): Pick<Draft, 'method' | 'fields' | 'body'> {
  const body = dice.bytes(dice.below(dice.chance(0.1) ? 3000 : 300))
  const fields: [string, string][] = [
    ...tus,
    ['Content-Type', 'application/offset+octet-stream'],
    ['Upload-Offset', `${dice.chance(0.8) ? target.offset : dice.below(MAX_LENGTH)}`],
    dice.chance(0.3) ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', `${body.length}`],
  ]
  if (dice.chance(0.1)) fields.push(['Expect', '100-continue'])
  if (dice.chance(0.2)) fields.push(checksumOf(body, dice))
  if (dice.chance(0.1)) fields.push(['Upload-Length', `${dice.below(MAX_LENGTH)}`])
  return { method: 'PATCH', fields, body }
}

function toBytes({ method, target, version, fields, body }: Draft, dice: Dice): Buffer {
  const chunked = fields.some(([name]) => name.toLowerCase() === 'transfer-encoding')
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'latin1')
  return Buffer.concat([head, chunked ? inChunks(body, dice) : body])
}

/** One in four has something wrong. */
function inChunks(body: Buffer, dice: Dice): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + 1 + dice.below(200))
    const size = dice.chance(0.05) ? dice.pick(NASTY_CHUNKS) : piece.length.toString(16)
    parts.push(Buffer.from(`${size}\r\n`, 'latin1'), piece, Buffer.from('\r\n'))
    at += piece.length
  }
  const end = dice.chance(0.9)
    ? '0\r\n\r\n'
    : dice.pick(['0\r\nTrailer: a\r\n\r\n', '0\r\n', '\r\n'])
  return Buffer.concat([...parts, Buffer.from(end)])
}

/** The text of an HTTP/1.1 answer. @module */
import { STATUS_CODES } from 'node:http'
import type { Fields, Reply } from '../http/exchange.ts'
import { isField } from './field.ts'

/** What an answer says of its connection. */
export interface Persistence {
  /** No further request is read. */
  readonly last: boolean
  readonly keepAliveMs: number
}

/** The head of an answer, in Latin-1. @throws `TypeError` for a field that would end before its end */
export function formatHttp1Head(
  { status, headers, body }: Reply,
  { last, keepAliveMs }: Persistence,
): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  for (let i = 0; i < headers.length; i++) {
    const fields = headers[i] as Fields
    const known = constantLines.get(fields)
    if (known !== undefined && !comeAgain(headers, i, fields)) text += known
    else text += formatLines(headers, i, fields)
  }
  if (body !== undefined) text += `Content-Length: ${Buffer.byteLength(body)}\r\n`
  else if (status !== 204) text += 'Content-Length: 0\r\n'
  text += `Date: ${httpDate()}\r\n`
  if (last) return `${text}Connection: close\r\n\r\n`
  const seconds = Math.floor(keepAliveMs / 1000)
  return `${text}Connection: keep-alive\r\n${seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ''}\r\n`
}

/** Of fields that cannot change, the lines of all of them. */
const constantLines = new WeakMap<Fields, string>()

function formatLines(headers: readonly Fields[], place: number, fields: Fields): string {
  let lines = ''
  let isWhole = true
  for (const name in fields) {
    if (comesAgain(headers, place, name)) {
      isWhole = false
      continue
    }
    const value = fields[name] as string
    if (!isField(name, value)) throw new TypeError(`${name} cannot be sent in a field`)
    lines += `${name}: ${value}\r\n`
  }
  if (isWhole && Object.isFrozen(fields)) constantLines.set(fields, lines)
  return lines
}

function comeAgain(headers: readonly Fields[], place: number, fields: Fields): boolean {
  for (const name in fields) if (comesAgain(headers, place, name)) return true
  return false
}

/** Of one name the last counts, however it is written. */
function comesAgain(headers: readonly Fields[], place: number, name: string): boolean {
  for (let i = place + 1; i < headers.length; i++) {
    for (const other in headers[i]) if (isSame(other, name)) return true
  }
  return false
}

/** Most that are of one length begin with another letter. */
function isSame(a: string, b: string): boolean {
  if (a.length !== b.length || (a.charCodeAt(0) | 32) !== (b.charCodeAt(0) | 32)) return false
  return a === b || a.toLowerCase() === b.toLowerCase()
}

let dateSecond = 0
let dateText = ''

/** It changes once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}

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
    for (const name in fields) {
      if (comesAgain(headers, i, name)) continue
      const value = fields[name] as string
      if (!isField(name, value)) throw new TypeError(`${name} cannot be sent in a field`)
      text += `${name}: ${value}\r\n`
    }
  }
  if (body !== undefined) text += `Content-Length: ${Buffer.byteLength(body)}\r\n`
  else if (status !== 204) text += 'Content-Length: 0\r\n'
  text += `Date: ${httpDate()}\r\n`
  if (last) return `${text}Connection: close\r\n\r\n`
  const seconds = Math.floor(keepAliveMs / 1000)
  return `${text}Connection: keep-alive\r\n${seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ''}\r\n`
}

/** Of one name the last counts, however it is written. */
function comesAgain(headers: readonly Fields[], place: number, name: string): boolean {
  for (let i = place + 1; i < headers.length; i++) {
    for (const other in headers[i]) {
      if (other.length !== name.length) continue
      if (other === name || other.toLowerCase() === name.toLowerCase()) return true
    }
  }
  return false
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

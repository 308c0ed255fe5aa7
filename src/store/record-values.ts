/** The values in a record's JSON, each checked; the message of a failure names the field. Pure. @module */
import { UploadError } from '../errors.ts'
import { parseIsoDuration } from './iso-duration.ts'

/** What a Date can hold, in seconds. */
const MAX_TIME = 8.64e12
/** With a time zone: without one it would be a different time on every machine. */
const TIMESTAMP = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

export function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw corrupt(`${name} is not an object`)
  }
  return value as Record<string, unknown>
}

export function asCount(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw corrupt(`${name} is not a non-negative integer`)
}

export function asTime(value: unknown, name: string): number {
  if (typeof value === 'number' && Math.abs(value) <= MAX_TIME) return value
  throw corrupt(`${name} is not a time`)
}

export function asText(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw corrupt(`${name} is not a text`)
}

export function asTexts(value: unknown, name: string): Readonly<Record<string, string>> {
  const texts = asObject(value, name)
  for (const key of Object.keys(texts)) asText(texts[key], `${name}.${key}`)
  return texts as Record<string, string>
}

export function asDate(value: unknown): Date | null {
  if (value === null) return null
  const date = typeof value === 'string' && TIMESTAMP.test(value) ? new Date(value) : undefined
  if (date === undefined || Number.isNaN(date.getTime())) throw corrupt('finished_at is not a time')
  return date
}

export function asDuration(value: unknown): number | null {
  if (value === null) return null
  const ms = typeof value === 'string' ? parseIsoDuration(value) : undefined
  if (ms === undefined) throw corrupt('duration is not an ISO 8601 duration')
  return ms
}

export function corrupt(why: string, cause?: unknown): UploadError {
  return new UploadError('ERR_CORRUPT_RECORD', `the record cannot be used: ${why}`, { cause })
}

/**
 * The record beside every upload, `{uuid}.meta`: the JSON of Python tussi 3.1 and one key of ours,
 * `tussi`, which Python drops when it writes.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { UploadError } from '../errors.ts'
import { formatIsoDuration } from './iso-duration.ts'
import {
  asCount,
  asDate,
  asDuration,
  asObject,
  asText,
  asTexts,
  asTime,
  corrupt,
} from './record-values.ts'
import type { UploadEnd } from './upload.ts'
import { formatNotes, parseNotes, type UploadNotes } from './upload-notes.ts'

/** Version of what stands under `tussi`. A newer one is refused, not guessed at. */
const RECORD_VERSION = 1
/** What may stand as a key in `Upload-Metadata`. */
const KEY = /^[A-Za-z0-9_-]+$/
const ENDS: ReadonlySet<unknown> = new Set<UploadEnd>(['terminated', 'expired', 'refused'])

/** A record as plain data. */
export interface RecordFields {
  readonly length: number | null
  readonly offset: number
  readonly metadata: Readonly<Record<string, string>>
  readonly serverMetadata: Readonly<Record<string, string>>
  /** Unix time in seconds. */
  readonly createdAt: number
  /** Unix time in seconds. */
  readonly lastWrite: number
  readonly finishedAt: Date | null
  readonly durationMs: number | null
  /** Explicit; of a record that Python wrote it is taken to mean `offset === length`. */
  readonly complete: boolean
  /** The valid pairs of `Upload-Metadata` as sent; rebuilt where Python wrote the record. */
  readonly uploadMetadata: string
  /** Grows with each new writer of a longer body, so that an old one sees that it is not alone. */
  readonly epoch: number
  /** How many workers have been given the upload to work on, crashed ones too. */
  readonly attempts: number
  /** Nobody gets the upload before this time, in milliseconds since 1970. */
  readonly notBeforeMs: number | null
  /** In a tombstone: why the upload is gone, `null` when a worker has acknowledged it. */
  readonly ended: UploadEnd | null
  readonly notes: UploadNotes
}

/**
 * Reads the JSON of a record; the message of a failure names the field.
 *
 * @throws `ERR_CORRUPT_RECORD`, `ERR_RECORD_VERSION`
 */
export function parseRecord(json: string): RecordFields {
  const record = asObject(parseJson(json), 'the record')
  // First: a record from the future is not to be judged by the rules of today.
  const ours = parseOurs(record.tussi)
  const length = record.length === null ? null : asCount(record.length, 'length')
  const offset = record.offset === undefined ? 0 : asCount(record.offset, 'offset')
  if (length !== null && offset > length) throw corrupt('offset is beyond length')
  if (ours?.complete && offset !== length) throw corrupt('it is complete but not at its length')
  const metadata = asTexts(record.metadata, 'metadata')
  return {
    length,
    offset,
    metadata,
    serverMetadata:
      record.server_metadata === undefined
        ? {}
        : asTexts(record.server_metadata, 'server_metadata'),
    createdAt: asTime(record.created_at, 'created_at'),
    lastWrite: asTime(record.last_write, 'last_write'),
    finishedAt: asDate(record.finished_at ?? null),
    durationMs: asDuration(record.duration ?? null),
    complete: ours?.complete ?? offset === length,
    uploadMetadata: ours?.uploadMetadata ?? rebuildUploadMetadata(metadata),
    epoch: ours?.epoch ?? 0,
    attempts: ours?.attempts ?? 0,
    notBeforeMs: ours?.notBeforeMs ?? null,
    ended: ours?.ended ?? null,
    notes: ours?.notes ?? {},
  }
}

/** Writes a record as one line of JSON that Python tussi 3.1 reads too. */
export function formatRecord(record: RecordFields): string {
  return JSON.stringify({
    length: record.length,
    offset: record.offset,
    metadata: record.metadata,
    server_metadata: record.serverMetadata,
    last_write: record.lastWrite,
    created_at: record.createdAt,
    finished_at: record.finishedAt?.toISOString() ?? null,
    duration: record.durationMs === null ? null : formatIsoDuration(record.durationMs),
    tussi: {
      v: RECORD_VERSION,
      complete: record.complete,
      epoch: record.epoch,
      upload_metadata: record.uploadMetadata,
      ...(record.attempts > 0 && { attempts: record.attempts }),
      ...(record.notBeforeMs !== null && { not_before_ms: record.notBeforeMs }),
      ...(record.ended !== null && { ended: record.ended }),
      ...formatNotes(record.notes),
    },
  })
}

/**
 * What is known of a completed upload.
 *
 * @example
 * ```ts
 * import { UploadRecord } from 'tussi'
 *
 * const record = await UploadRecord.fromFile('./dest/film.mp4.meta')
 * console.log(record.metadata.filename, record.durationMs)
 * ```
 */
export class UploadRecord {
  /** The client's metadata, decoded. */
  readonly metadata: Readonly<Record<string, string>>
  /** What `onCreate` returned. */
  readonly serverMetadata: Readonly<Record<string, string>>
  /** Total bytes, or `null` while unknown. */
  readonly length: number | null
  /** Bytes received. */
  readonly offset: number
  readonly createdAt: Date
  readonly lastWrite: Date
  /** When the upload was completed, `null` before. */
  readonly finishedAt: Date | null
  /** From creation to completion, in milliseconds, `null` before. */
  readonly durationMs: number | null
  /** SHA-256 of all bytes in hex, where the server was told to compute it. */
  readonly sha256: string | null

  constructor(fields: RecordFields) {
    this.metadata = fields.metadata
    this.serverMetadata = fields.serverMetadata
    this.length = fields.length
    this.offset = fields.offset
    this.createdAt = new Date(fields.createdAt * 1000)
    this.lastWrite = new Date(fields.lastWrite * 1000)
    this.finishedAt = fields.finishedAt
    this.durationMs = fields.durationMs
    this.sha256 = fields.notes.sha256 ?? null
  }

  /** Reads a record that was kept. @throws `ERR_STORAGE`, `ERR_CORRUPT_RECORD`, `ERR_RECORD_VERSION` */
  static async fromFile(path: string): Promise<UploadRecord> {
    let json: string
    try {
      json = await readFile(path, 'utf8')
    } catch (cause) {
      throw new UploadError('ERR_STORAGE', `the record ${path} cannot be read`, { cause })
    }
    return new UploadRecord(parseRecord(json))
  }
}

interface Ours {
  readonly complete: boolean
  readonly epoch: number
  readonly uploadMetadata: string
  readonly attempts: number
  readonly notBeforeMs: number | null
  readonly ended: UploadEnd | null
  readonly notes: UploadNotes
}

function parseOurs(value: unknown): Ours | undefined {
  if (value === undefined) return undefined
  const ours = asObject(value, 'tussi')
  const { v, complete, epoch, upload_metadata, attempts = 0, not_before_ms = null } = ours
  const { ended = null } = ours
  if (asCount(v, 'tussi.v') > RECORD_VERSION) {
    throw new UploadError(
      'ERR_RECORD_VERSION',
      `the record is of version ${v}, newer than this tussi`,
    )
  }
  if (typeof complete !== 'boolean') throw corrupt('tussi.complete is not a boolean')
  if (ended !== null && !ENDS.has(ended)) throw corrupt('tussi.ended is not an end')
  return {
    complete,
    ended: ended as UploadEnd | null,
    notes: parseNotes(ours),
    epoch: asCount(epoch, 'tussi.epoch'),
    uploadMetadata: asText(upload_metadata, 'tussi.upload_metadata'),
    attempts: asCount(attempts, 'tussi.attempts'),
    notBeforeMs: not_before_ms === null ? null : asCount(not_before_ms, 'tussi.not_before_ms'),
  }
}

function rebuildUploadMetadata(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .filter(([key]) => KEY.test(key))
    .map(([key, value]) => (value === '' ? key : `${key} ${Buffer.from(value).toString('base64')}`))
    .join(',')
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw corrupt('it is not JSON', cause)
  }
}

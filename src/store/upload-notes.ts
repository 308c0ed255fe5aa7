/**
 * What the house keeps with an upload beyond what Python's record knows. A storage keeps notes and
 * hands them back; it acts on `concat` and `expiry`, and on `minima` of a final upload, only.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import { asCount, asObject, asText, asTexts, corrupt } from './record-values.ts'

/** What was decided about an upload, each from the moment it was decided. */
export interface UploadNotes {
  /** What `authorize` returned at the creation. */
  readonly owner?: string
  readonly concat?: UploadConcat
  readonly expiry?: UploadExpiry
  readonly minima?: UploadMinima
  /** Once it is complete it waits for a verdict before it goes to the queue. */
  readonly gated?: boolean
  /** What its creation said of the digest of the whole upload. */
  readonly digests?: UploadDigests
  /** The validator has seen the first bytes. */
  readonly sniffed?: boolean
  /** SHA-256 of the whole upload, in hex. */
  readonly sha256?: string
  /** What `onComplete` wants the client to be told. */
  readonly answer?: UploadAnswer
  /** Why the upload was refused after all. */
  readonly refusal?: UploadRefusal
}

/** A part of a later upload, or one that is made of such parts. */
export interface UploadConcat {
  /** `Upload-Concat` as the client sent it. */
  readonly field: string
  /** The ids of the parts of a final upload, in order; absent for a part. */
  readonly parts?: readonly string[]
  /** The longest that a final upload may become whose parts had no length yet. */
  readonly maxSize?: number
}

/** Digests of a whole upload; `wanted` is the algorithm of the one that its client is told. */
export interface UploadDigests {
  readonly told?: UploadDigest
  readonly wanted?: DigestAlgorithm
}

/** What an upload has to hash to, in base64. */
export interface UploadDigest {
  readonly algorithm: DigestAlgorithm
  readonly digest: string
}

export type DigestAlgorithm = 'sha256' | 'sha512'

/** What its client was told of how small it may be, in bytes; 0 for no limit. */
export interface UploadMinima {
  readonly size: number
  /** Of the content of a request that does not end it. */
  readonly chunkSize: number
}

/** When an unfinished upload may be removed. */
export interface UploadExpiry {
  readonly afterMs: number
  /** Whether the time runs from the last write, else from the creation. */
  readonly sliding: boolean
}

/** The answer to the request that completed an upload. */
export interface UploadAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** JSON. */
  readonly body?: string
}

/** A refusal that is repeated to whoever asks. */
export interface UploadRefusal {
  readonly status: number
  readonly message: string
}

export function isPartial({ concat }: UploadNotes): boolean {
  return concat !== undefined && concat.parts === undefined
}

/**
 * Of a final upload whose parts had no length when it was made.
 *
 * @throws `ERR_MAX_SIZE_EXCEEDED`, `ERR_MIN_SIZE_NOT_REACHED`
 */
export function checkFinalLength(length: number, { concat, minima }: UploadNotes): void {
  const { maxSize = Number.POSITIVE_INFINITY } = concat ?? {}
  if (length > maxSize) {
    throw new UploadError('ERR_MAX_SIZE_EXCEEDED', `an upload may have up to ${maxSize} bytes`)
  }
  const { size = 0 } = minima ?? {}
  if (length >= size) return
  throw new UploadError('ERR_MIN_SIZE_NOT_REACHED', `an upload must have at least ${size} bytes`)
}

/** Whether an upload that is sealed may go to the queue as it is. */
export function isForQueue(notes: UploadNotes): boolean {
  return !notes.gated && !notes.refusal && !isPartial(notes)
}

/** What an expiry is counted from. */
export interface Expiring {
  readonly complete: boolean
  readonly createdAt: number
  readonly lastWrite: number
  readonly notes: UploadNotes
}

/** Unix time in milliseconds; `null` for an upload that does not expire, as one that is complete. */
export function expiresAtMs({ complete, createdAt, lastWrite, notes }: Expiring): number | null {
  const { expiry } = notes
  if (!expiry || (complete && !isPartial(notes))) return null
  // A last write in the future counts as now, at most: it must not keep an upload for ever.
  const since = expiry.sliding ? Math.min(lastWrite * 1000, Date.now()) : createdAt * 1000
  return since + expiry.afterMs
}

/** The notes among the fields below `tussi`. @throws `ERR_CORRUPT_RECORD` */
export function parseNotes(fields: Readonly<Record<string, unknown>>): UploadNotes {
  const { owner, concat, expiry, minima, gated, digests, sniffed, sha256 } = fields
  const { answer, refusal } = fields
  return {
    ...(owner !== undefined && { owner: asText(owner, 'tussi.owner') }),
    ...(concat !== undefined && { concat: parseConcat(asObject(concat, 'tussi.concat')) }),
    ...(expiry !== undefined && { expiry: parseExpiry(asObject(expiry, 'tussi.expiry')) }),
    ...(minima !== undefined && { minima: parseMinima(asObject(minima, 'tussi.minima')) }),
    ...(gated === true && { gated }),
    ...(digests !== undefined && { digests: parseDigests(asObject(digests, 'tussi.digests')) }),
    ...(sniffed === true && { sniffed }),
    ...(sha256 !== undefined && { sha256: asText(sha256, 'tussi.sha256') }),
    ...(answer !== undefined && { answer: parseAnswer(asObject(answer, 'tussi.answer')) }),
    ...(refusal !== undefined && { refusal: parseRefusal(asObject(refusal, 'tussi.refusal')) }),
  }
}

/** The same fields, to be written. */
export function formatNotes(all: UploadNotes): Record<string, unknown> {
  const { concat, expiry, minima, gated, ...notes } = all
  return {
    ...notes,
    ...(concat && { concat: formatConcat(concat) }),
    ...(gated && { gated }),
    ...(minima && { minima: { size: minima.size, chunk_size: minima.chunkSize } }),
    ...(expiry && { expiry: { after_ms: expiry.afterMs, sliding: expiry.sliding } }),
  }
}

function parseConcat({ field, parts, max_size }: Record<string, unknown>): UploadConcat {
  const text = asText(field, 'tussi.concat.field')
  if (parts === undefined) return { field: text }
  if (!Array.isArray(parts)) throw corrupt('tussi.concat.parts is not a list')
  return {
    field: text,
    parts: parts.map((id) => asText(id, 'tussi.concat.parts')),
    ...(max_size !== undefined && { maxSize: asCount(max_size, 'tussi.concat.max_size') }),
  }
}

function formatConcat({ maxSize, ...concat }: UploadConcat): Record<string, unknown> {
  return { ...concat, ...(maxSize !== undefined && { max_size: maxSize }) }
}

function parseDigests({ told, wanted }: Record<string, unknown>): UploadDigests {
  const { algorithm, digest } = told === undefined ? {} : asObject(told, 'tussi.digests.told')
  return {
    ...(told !== undefined && {
      told: { algorithm: asAlgorithm(algorithm), digest: asText(digest, 'tussi.digests.digest') },
    }),
    ...(wanted !== undefined && { wanted: asAlgorithm(wanted) }),
  }
}

function asAlgorithm(value: unknown): DigestAlgorithm {
  if (value === 'sha256' || value === 'sha512') return value
  throw corrupt('tussi.digests names an unknown algorithm')
}

function parseExpiry({ after_ms, sliding }: Record<string, unknown>): UploadExpiry {
  return { afterMs: asCount(after_ms, 'tussi.expiry.after_ms'), sliding: sliding === true }
}

function parseMinima({ size, chunk_size }: Record<string, unknown>): UploadMinima {
  return {
    size: asCount(size, 'tussi.minima.size'),
    chunkSize: asCount(chunk_size, 'tussi.minima.chunk_size'),
  }
}

function parseAnswer({ status, headers, body }: Record<string, unknown>): UploadAnswer {
  return {
    ...(status !== undefined && { status: asCount(status, 'tussi.answer.status') }),
    ...(headers !== undefined && { headers: asTexts(headers, 'tussi.answer.headers') }),
    ...(body !== undefined && { body: asText(body, 'tussi.answer.body') }),
  }
}

function parseRefusal({ status, message }: Record<string, unknown>): UploadRefusal {
  return {
    status: asCount(status, 'tussi.refusal.status'),
    message: asText(message, 'tussi.refusal.message'),
  }
}

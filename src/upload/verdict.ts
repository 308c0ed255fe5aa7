/** What an application may say about an upload before its last answer, and how it is asked. @module */
import { UploadError } from '../errors.ts'
import type { StoredUpload, UploadInfo } from '../store/upload.ts'
import type { UploadAnswer, UploadRefusal } from '../store/upload-notes.ts'
import type { Uploads } from './uploads.ts'

/** An upload that is complete and not yet in the queue. */
export interface SealedUpload extends UploadInfo {
  readonly serverMetadata: Readonly<Record<string, string>>
  /** SHA-256 of all bytes in hex, with the option `sha256` or where the client has told or asked it. */
  readonly sha256: string | undefined
  /** All bytes, in pieces of up to 1 MiB. */
  content(): AsyncIterable<Uint8Array>
}

/** What the client is told besides the fields of the protocol. */
export interface CompletionAnswer {
  /** From 200 to 299. @defaultValue the protocol's, or 200 where that has no body */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

/**
 * Decides about a complete upload; see the option `onComplete` of `TusApp`. What it returns is recorded,
 * so that a repeated last request gets the same answer.
 */
export type CompleteHook = (
  upload: SealedUpload,
) => CompletionAnswer | undefined | Promise<CompletionAnswer | undefined>

/** Looks at the first bytes; see the option `sniff` of `TusApp`. */
export type SniffHook = (first: Uint8Array, upload: UploadInfo) => void | Promise<void>

/** So many bytes a validator is shown; fewer of a shorter upload. */
export const SNIFF_BYTES = 4096
const PIECE_BYTES = 2 ** 20
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** They have no body, and Fetch throws at one. */
const BODILESS: ReadonlySet<number | undefined> = new Set([204, 205])
/** What Node accepts in a field value. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Calls a hook.
 *
 * @returns the refusal that it threw, or what it returned
 * @throws `ERR_SERVER_ERROR` for anything else that it throws
 */
export async function ask<T>(
  name: string,
  hook: () => T | Promise<T>,
): Promise<{ readonly refusal: UploadRefusal } | { readonly said: T }> {
  try {
    return { said: await hook() }
  } catch (error) {
    if (error instanceof UploadError && error.code === 'ERR_REFUSED') {
      return { refusal: { status: error.status ?? 403, message: error.message } }
    }
    throw new UploadError('ERR_SERVER_ERROR', `${name} failed`, { cause: error })
  }
}

export function toRefusal({ status, message }: UploadRefusal): UploadError {
  return new UploadError('ERR_REFUSED', message, { status })
}

/** Makes an answer what a record can hold. @throws `TypeError` */
export function checkAnswer(answer: CompletionAnswer): UploadAnswer {
  const { status, headers = {}, body } = answer
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 299)) {
    throw new TypeError(`onComplete may answer from 200 to 299, got ${status}`)
  }
  for (const [name, value] of Object.entries(headers)) {
    if (TOKEN.test(name) && typeof value === 'string' && VALUE.test(value)) continue
    throw new TypeError(`onComplete returned an invalid field ${JSON.stringify(name)}`)
  }
  const json = body === undefined ? undefined : JSON.stringify(body)
  if (body !== undefined && json === undefined) {
    throw new TypeError('onComplete returned a body that is no JSON')
  }
  if (json !== undefined && BODILESS.has(status)) {
    throw new TypeError(`onComplete returned a body with the status ${status}, which has none`)
  }
  return {
    ...(status !== undefined && { status }),
    ...(Object.keys(headers).length > 0 && { headers: { ...headers } }),
    ...(json !== undefined && { body: json }),
  }
}

/**
 * The bytes of an upload in the storage from `start` to `end`.
 *
 * @throws `ERR_MISMATCHED_OFFSET` where it has fewer, `ERR_UPLOAD_NOT_FOUND`
 */
export async function* readUpload(
  { storage }: Pick<Uploads, 'storage'>,
  id: string,
  { start = 0, end }: { readonly start?: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = start; at < end; ) {
    const piece = await storage.read(id, at, Math.min(PIECE_BYTES, end - at))
    if (piece.byteLength === 0) {
      const message = `the upload stands at ${at}`
      throw new UploadError('ERR_MISMATCHED_OFFSET', message, { offset: at })
    }
    yield piece
    at += piece.byteLength
  }
}

/** The first bytes, once all that a validator needs are recorded. */
export async function readFirst(
  { storage }: Pick<Uploads, 'storage'>,
  { uploadId, offset, state }: Pick<StoredUpload, 'uploadId' | 'offset' | 'state'>,
): Promise<Uint8Array | undefined> {
  if (offset < SNIFF_BYTES && state === 'receiving') return undefined
  return storage.read(uploadId, 0, SNIFF_BYTES)
}

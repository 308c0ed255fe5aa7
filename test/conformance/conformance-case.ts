/** The rows of the conformance table. @module */
import type { UploadErrorCode } from '../../src/errors.ts'
import type { FieldValue, ServerOptions } from './exchange.ts'

/** What a response field must be: equal, matching, a list with these members, or (`null`) absent. */
export type FieldExpectation = string | RegExp | { readonly lists: readonly string[] } | null

/** One row: a request, what must come back, and how the upload must stand afterwards. */
export interface ConformanceCase {
  /** Stable, unique over all tables. */
  readonly id: string
  /** The sentence that this row holds the server to, or the reason for the row. */
  readonly why: string
  /** What the server must have been started with. */
  readonly server?: ServerOptions
  /**
   * The requests of this row, and those around it, speak the IETF protocol of this interop version, or
   * of none. Without it they speak tus.
   */
  readonly rufh?: number | null
  /** An upload that exists before: it has received `sent`. */
  readonly upload?: {
    /** `null` for one whose length is not known yet. */
    readonly length: number | null
    readonly sent?: string
    readonly metadata?: string
    /** Further fields of its creation. */
    readonly fields?: Readonly<Record<string, FieldValue>>
    /** The millisecond after which it expires has passed. */
    readonly expired?: boolean
    /** Of the IETF protocol: it was told to be complete after `sent`. */
    readonly complete?: boolean
    /** It was removed by DELETE. */
    readonly terminated?: boolean
  }
  readonly request: {
    readonly method: string
    /**
     * `{id}` stands for the upload's id. By default its own path, or `/files/` where the row has no
     * upload.
     */
    readonly path?: string
    /** On top of `Tus-Resumable`, or `Upload-Draft-Interop-Version`, which `null` leaves away. */
    readonly fields?: Readonly<Record<string, FieldValue>>
    readonly body?: string
    /** Without `Content-Length`. */
    readonly chunked?: boolean
    /** Fields after the body, which is chunked then. */
    readonly trailers?: Readonly<Record<string, string>>
  }
  /** Several where a specification leaves the choice. */
  readonly status: number | readonly number[]
  /** `{authority}` stands for the server's host and port, `{uuid}` in a pattern for an id. */
  readonly fields?: Readonly<Record<string, FieldExpectation>>
  /**
   * The informational responses, in order; over a transport that shows none this is not asked. By
   * default anything may have come.
   */
  readonly informational?: readonly Readonly<Record<string, FieldExpectation>>[]
  /** Members of the problem besides. */
  readonly problem?: Readonly<Record<string, unknown>>
  /** The `code` of the problem in the body; for HEAD in `Tussi-Error`. */
  readonly code?: UploadErrorCode
  /** What the problem must say to a person. */
  readonly detail?: RegExp
  /** Where the upload stands afterwards. By default where it stood before. */
  readonly offsetAfter?: number
  /** What is looked at afterwards is the upload that the response names. */
  readonly created?: boolean
  /** The status of a HEAD afterwards, where it is not that of an upload. */
  readonly headAfter?: number
  /** What a HEAD of the upload, or of the created one, says afterwards. */
  readonly after?: Readonly<Record<string, FieldExpectation>>
  /** Transports that cannot carry this request. */
  readonly notOver?: readonly string[]
}

/** The media type of tus's bytes. */
export const OFFSET_OCTET_STREAM = 'application/offset+octet-stream'

/** The fields of a PATCH at `offset`. */
export function patchAt(offset: number | string): Record<string, FieldValue> {
  return { 'Content-Type': OFFSET_OCTET_STREAM, 'Upload-Offset': `${offset}` }
}

/** One pair of `Upload-Metadata`. */
export function pair(key: string, value: string): string {
  return `${key} ${Buffer.from(value).toString('base64')}`
}

/** What a request asks and what became of it, in words that both dialects translate to. @module */
import type { ReprDigests } from './digest-fields.ts'
import type { Minima } from './minima.ts'
import type { UploadChecksum } from './upload-checksum.ts'
import type { UploadMetadata } from './upload-metadata.ts'

/** A request, understood. */
export type Operation =
  | { readonly type: 'describe' }
  | RetrieveOperation
  | { readonly type: 'terminate'; readonly id: string }
  | CreateOperation
  | ConcatenateOperation
  | AppendOperation

/** Ask where an upload is. */
export interface RetrieveOperation {
  readonly type: 'retrieve-offset'
  readonly id: string
  /** The client takes an upload at its length for complete, whoever has begun it. */
  readonly byLength?: boolean
}

/** Make an upload, perhaps with its first bytes. */
export interface CreateOperation {
  readonly type: 'create'
  /** `null` while the client does not know it. */
  readonly length: number | null
  readonly metadata: UploadMetadata
  /** `Upload-Concat` of an upload that is only a part of another. */
  readonly partial?: string | undefined
  /** Absent for a creation without content. */
  readonly content?: ContentTerms | undefined
  readonly complete?: Completeness | undefined
  readonly digests?: ReprDigests | undefined
}

/**
 * Whether the upload ends with this content: `true` and `false` are said explicitly, by a dialect in
 * which no length does. Content that then goes beyond the length ends the upload for good. Absent where
 * an upload is complete at its length.
 */
export type Completeness = boolean

/** Make an upload of others. */
export interface ConcatenateOperation {
  readonly type: 'concatenate'
  readonly metadata: UploadMetadata
  /** As sent. */
  readonly field: string
  readonly urls: readonly string[]
}

/** What a request says of its body. */
export interface ContentTerms {
  /** `undefined` when the body's end only shows when it is reached. */
  readonly contentLength: number | undefined
  /** What the body has to hash to; `'trailer'` when that is told after it. */
  readonly checksum?: UploadChecksum | 'trailer' | undefined
}

/** Send content at an offset of an upload. */
export interface AppendOperation extends ContentTerms {
  readonly type: 'append'
  readonly id: string
  readonly offset: number
  /** The length of an upload that was created without one. */
  readonly length?: number | undefined
  readonly complete?: Completeness | undefined
}

/** The facts of an upload that answers show. */
export interface ShownUpload {
  readonly length: number | null
  readonly offset: number
  readonly uploadMetadata: string
  readonly expiresAt: Date | null
  readonly state: string
  readonly notes: {
    readonly concat?: { readonly field: string; readonly parts?: readonly string[] }
    readonly minima?: Minima
    readonly answer?: ShownAnswer
  }
}

/** What the application adds to the answer of the request that completes an upload. */
export interface ShownAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** The request did what it asked. */
export type Outcome =
  | { readonly type: 'described' }
  | {
      readonly type: 'created'
      readonly upload: ShownUpload
      readonly location: string
    }
  | { readonly type: 'retrieved'; readonly upload: ShownUpload }
  | { readonly type: 'appended'; readonly upload: ShownUpload }
  | { readonly type: 'terminated' }

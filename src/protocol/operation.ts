/** What a request asks and what became of it, in words that both dialects translate to. @module */
import type { UploadMetadata } from './upload-metadata.ts'

/** A request, understood. */
export type Operation =
  | { readonly type: 'describe' }
  | { readonly type: 'create'; readonly length: number; readonly metadata: UploadMetadata }
  | { readonly type: 'retrieve-offset'; readonly id: string }
  | AppendOperation

/** Send content at an offset of an upload. */
export interface AppendOperation {
  readonly type: 'append'
  readonly id: string
  readonly offset: number
  /** `undefined` when the body's end only shows when it is reached. */
  readonly contentLength: number | undefined
}

/** The facts of an upload that answers show. */
export interface ShownUpload {
  readonly length: number | null
  readonly offset: number
  readonly uploadMetadata: string
}

/** The request did what it asked. */
export type Outcome =
  | { readonly type: 'described' }
  | { readonly type: 'created'; readonly upload: ShownUpload; readonly location: string }
  | { readonly type: 'retrieved'; readonly upload: ShownUpload }
  | { readonly type: 'appended'; readonly upload: ShownUpload }

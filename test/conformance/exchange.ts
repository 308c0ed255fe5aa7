/** A request and a response as plain data, so that one table runs over every transport. @module */
import type { CorsOption } from '../../src/http/cors.ts'

/** A field value; a list is sent as that many fields of the name, `null` leaves a default away. */
export type FieldValue = string | readonly string[] | null

/** A request to send. */
export interface TestRequest {
  readonly method: string
  /** As it stands in the request line. */
  readonly path: string
  readonly fields: Readonly<Record<string, string | readonly string[]>>
  readonly body?: Uint8Array
  /** Without `Content-Length`, in two pieces. */
  readonly chunked?: boolean
  /** Fields after a chunked body. */
  readonly trailers?: Readonly<Record<string, string>>
}

/** What came back. */
export interface TestResponse {
  readonly status: number
  /** Lower-case names. */
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
  /** The informational responses before it, without 100; absent where a transport shows none. */
  readonly informational?: readonly Informational[]
}

/** An informational response. */
export interface Informational {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
}

/** Sends one request and reads the whole response. */
export type Send = (request: TestRequest) => Promise<TestResponse>

/** Options of `TusApp` that are plain data. */
export interface ServerOptions {
  readonly maxSize?: number
  readonly maxChunkSize?: number
  readonly minSize?: number
  readonly minChunkSize?: number
  readonly maxMetadataSize?: number
  readonly trustedProxies?: readonly string[]
  readonly filenameCharset?: 'ascii' | 'utf-8'
  readonly publicUrl?: string
  readonly expiration?: { readonly afterMs: number; readonly sliding?: boolean }
  readonly informational?: boolean
  readonly cors?: CorsOption
}

/** A server that runs. */
export interface Running {
  readonly send: Send
  /** What the server knows as its own host and port. */
  readonly authority: string
  close(): Promise<void>
}

/** Starts an empty server. */
export type Start = (options: ServerOptions) => Promise<Running>

/** The neutral request and reply between a runtime and the core. @module */
import type { AppendContent } from '../upload/receive.ts'

/** A request. Values are as the client sent them; nothing is trusted here. */
export interface Exchange {
  readonly method: string
  /** Path and query as the client sent them, before any framework rewrote them. */
  readonly target: string
  /** Scheme of the connection itself. */
  readonly scheme: 'http' | 'https'
  /** `Host` or `:authority`; absent in HTTP/1.0. */
  readonly authority: string | undefined
  /** Field value by lower-case name; repeated fields joined with `, `. */
  header(name: string): string | undefined
  /** All fields with lower-case names. */
  headers(): Record<string, string>
  readonly content: AppendContent
  /**
   * Sends an informational response before the final one. Absent where the runtime, or the client,
   * can have none.
   */
  inform?(status: number, headers: Readonly<Record<string, string>>): void
  /** Peer address, or `undefined` where none is known (Fetch, unix socket): then nothing is trusted. */
  readonly remoteAddress: string | undefined
}

/** Header fields. */
export type Fields = Readonly<Record<string, string>>

/** An answer. */
export interface Reply {
  readonly status: number
  /** Of one name the last counts. Most are the same for all answers: nobody puts them together for each. */
  readonly headers: readonly Fields[]
  readonly body?: string
  /** The connection must not be reused after this answer. */
  readonly close?: boolean
  /** Instead of the answer the connection is cut: the client knows where its upload is, and resumes. */
  readonly cut?: boolean
}

/** Never rejects: every failure is already a reply. */
export type Handle = (exchange: Exchange) => Promise<Reply>

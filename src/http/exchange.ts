/** The neutral request and reply between a runtime and the core. @module */
import type { Content } from '../store/storage.ts'

/** A request body as an adapter hands it over. */
export interface RequestContent extends Content {
  /** Ends the body early: what arrived is handed out, then `read` rejects with `reason`. */
  stop(reason: unknown): void
}

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
  readonly content: RequestContent
  /** The client waits for `100 Continue` before it sends the body: decide first. */
  readonly expectsContinue: boolean
  /** Peer address, or `undefined` where none is known (Fetch, unix socket): then nothing is trusted. */
  readonly remoteAddress: string | undefined
}

/** An answer. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The connection must not be reused after this answer. */
  readonly close?: boolean
}

/** Never rejects: every failure is already a reply. */
export type Handle = (exchange: Exchange) => Promise<Reply>

/**
 * 104 (Upload Resumption Supported): where an upload is, before its bytes are read, and how far it has
 * come. Some proxies pass on only a few interim answers, so there are few.
 *
 * @module
 */
import { formatAnnouncement, formatProgress, type RufhServer } from '../protocol/rufh.ts'
import type { RufhVersion } from '../protocol/rufh-versions.ts'
import type { Appending } from '../upload/append.ts'
import type { Announcement, Creation } from '../upload/create.ts'
import type { Exchange } from './exchange.ts'

const UPLOAD_RESUMPTION_SUPPORTED = 104
const PROGRESS_INTERVAL_MS = 1000
/** Of one request, the first one included. */
const MAX_INFORMATIONAL = 4

/** What a request is told before its answer. */
export interface Informer {
  /** Of an upload that this request has made, once its bytes are to be received. */
  readonly location: string | undefined
  /** The client has been told of it. */
  readonly announced: boolean
  creating(locate: (id: string) => string): Pick<Creation, 'announcement' | 'onOffset'>
  appending(): Pick<Appending, 'onOffset'>
}

/** How a request may be told. */
export interface InformerOptions {
  /** `undefined` for a dialect without uploads that are announced. */
  readonly version: RufhVersion | undefined
  readonly server: RufhServer
  /** Whether there shall be 104s. */
  readonly informational: boolean
}

/** A class: an object with an accessor of its own costs a shape for each request that waits. */
class ExchangeInformer implements Informer {
  readonly #exchange: Exchange
  readonly #version: RufhVersion | undefined
  readonly #server: RufhServer
  readonly #able: boolean
  #sent = 0
  #lastMs = performance.now()
  location: string | undefined
  announced = false

  constructor(exchange: Exchange, { version, server, informational }: InformerOptions) {
    this.#exchange = exchange
    this.#version = version
    this.#server = server
    this.#able = informational && exchange.inform !== undefined && version?.interop !== undefined
  }

  creating(locate: (id: string) => string): Pick<Creation, 'announcement' | 'onOffset'> {
    const version = this.#version
    if (!version) return {}
    const announcement: Announcement = {
      heard: this.#able,
      make: (upload) => {
        this.location = locate(upload.uploadId)
        if (!this.#able) return
        this.announced = true
        this.#inform(formatAnnouncement(upload, this.location, version, this.#server))
      },
    }
    return { announcement, ...this.appending() }
  }

  appending(): Pick<Appending, 'onOffset'> {
    const version = this.#version
    if (!this.#able || !version?.progress) return {}
    return {
      onOffset: (offset) => {
        const due = performance.now() - this.#lastMs >= PROGRESS_INTERVAL_MS
        if (due && this.#sent < MAX_INFORMATIONAL) this.#inform(formatProgress(offset, version))
      },
    }
  }

  #inform(headers: Record<string, string>): void {
    this.#sent++
    this.#lastMs = performance.now()
    this.#exchange.inform?.(UPLOAD_RESUMPTION_SUPPORTED, headers)
  }
}

/** What most requests get: they speak tus. */
const SILENT: Informer = {
  location: undefined,
  announced: false,
  creating: () => ({}),
  appending: () => ({}),
}

export function createInformer(exchange: Exchange, options: InformerOptions): Informer {
  return options.version ? new ExchangeInformer(exchange, options) : SILENT
}

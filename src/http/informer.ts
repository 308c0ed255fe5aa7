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

export function createInformer(
  exchange: Exchange,
  { version, server, informational }: InformerOptions,
): Informer {
  const able = informational && exchange.inform && version?.interop !== undefined
  let location: string | undefined
  let sent = 0
  let lastMs = performance.now()

  function inform(headers: Record<string, string>): void {
    sent++
    lastMs = performance.now()
    exchange.inform?.(UPLOAD_RESUMPTION_SUPPORTED, headers)
  }

  function appending(): Pick<Appending, 'onOffset'> {
    if (!able || !version.progress) return {}
    const onOffset = (offset: number): void => {
      const due = performance.now() - lastMs >= PROGRESS_INTERVAL_MS
      if (due && sent < MAX_INFORMATIONAL) inform(formatProgress(offset, version))
    }
    return { onOffset }
  }

  return {
    get location() {
      return location
    },
    creating(locate) {
      if (!version) return {}
      const announcement: Announcement = {
        heard: able ?? false,
        make(upload) {
          location = locate(upload.uploadId)
          if (able) inform(formatAnnouncement(upload, location, version, server))
        },
      }
      return { announcement, ...appending() }
    },
    appending,
  }
}

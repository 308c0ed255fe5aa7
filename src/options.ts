/** Options of the app: one interface, one table of defaults, resolved and checked once. @module */
import type { CorsOption } from './http/cors.ts'
import type { Logger } from './logger.ts'
import type { Storage } from './store/storage.ts'
import {
  type AdmissionOptions,
  type AdmissionRules,
  resolveAdmission,
} from './upload/admission-options.ts'
import type { EventHandler } from './upload/events.ts'
import type { CreateHook } from './upload/uploads.ts'
import type { CompleteHook, SniffHook } from './upload/verdict.ts'

/** Options of {@link TusApp}. */
export interface TusAppOptions extends AdmissionOptions {
  readonly storage: Storage
  /**
   * Directory of the completed uploads, on the file system of the storage and not above it. Its
   * last level is created when missing.
   */
  readonly completedDir: string
  /** Hears what happens to uploads. */
  readonly onEvent?: EventHandler | undefined
  /**
   * Least time between two `upload-progress` events of one upload while a request goes on, and between
   * two values of `tus.progress`, in milliseconds.
   *
   * @defaultValue 1000
   */
  readonly progressIntervalMs?: number | undefined
  /**
   * Called with the request fields (lower-case names) and the client's metadata before anything is
   * stored; what it returns is kept as `serverMetadata`. Throwing
   * `new UploadError('ERR_REFUSED', message, { status: 403 })` refuses the upload; anything else
   * thrown is a 500. Either way nothing is stored.
   */
  readonly onCreate?: CreateHook | undefined
  /**
   * Called with each upload that is complete, before its last answer and before it is in the queue; what
   * it returns (`status`, `headers`, `body` as JSON) goes to the client and is recorded, so that a repeated
   * request gets it too. Throwing `ERR_REFUSED` refuses the upload: the client gets the reason, and its
   * space is free. Anything else thrown is a 500, and the hook is called again when the client comes back;
   * so it is after a crash.
   */
  readonly onComplete?: CompleteHook | undefined
  /**
   * Called with the first 4 KiB once they are durable, or all of a smaller upload, while the rest waits.
   * Throwing `ERR_REFUSED` refuses the upload.
   */
  readonly sniff?: SniffHook | undefined
  /**
   * Whether the SHA-256 of each upload is computed while it comes in, and kept in its record.
   *
   * @defaultValue false
   */
  readonly sha256?: boolean | undefined
  /** Largest request body in bytes, `null` for no limit. @defaultValue 10_485_760 */
  readonly maxChunkSize?: number | null | undefined
  /**
   * Longest silence of a sender, in milliseconds, before its request is ended; what arrived is kept.
   *
   * @defaultValue 60_000
   */
  readonly idleTimeoutMs?: number | undefined
  /**
   * Slowest rate at which a body may arrive, over ten seconds of waiting for it; 0 for none.
   *
   * @defaultValue 0
   */
  readonly minBytesPerSecond?: number | undefined
  /**
   * Bytes that all bodies together may hold in memory; beyond it senders wait.
   *
   * @defaultValue 67_108_864
   */
  readonly maxBufferedBytes?: number | undefined
  /**
   * When unfinished uploads expire: `afterMs` milliseconds after the last byte, or with
   * `sliding: false` after their creation. Clients are told; the {@link Janitor} removes them.
   *
   * @defaultValue null
   */
  readonly expiration?: ExpirationOption | null | undefined
  /**
   * Whether clients of the IETF protocol are told by 104 (Upload Resumption Supported) where their
   * upload is and how far it has come. `false` behind a proxy that takes a 104 for the final answer.
   *
   * @defaultValue true
   */
  readonly informational?: boolean | undefined
  /** Longest `Upload-Metadata` in bytes. @defaultValue 4096 */
  readonly maxMetadataSize?: number | undefined
  /**
   * Addresses (IP or CIDR) whose `X-Forwarded-Proto` is believed. `X-Forwarded-For` and
   * `X-Forwarded-Host` never are. @defaultValue []
   */
  readonly trustedProxies?: readonly string[] | undefined
  /**
   * What `filename` in the metadata may hold: printable ASCII, or anything but control characters.
   *
   * @defaultValue 'ascii'
   */
  readonly filenameCharset?: 'ascii' | 'utf-8' | undefined
  /**
   * Public URL of the place where uploads are created, for `Location`. Without it `Location` is
   * built from the request.
   */
  readonly publicUrl?: string | undefined
  /**
   * Which web pages may use the server, or `false` when the framework answers that.
   *
   * @defaultValue every origin, without credentials
   */
  readonly cors?: CorsOption | undefined
  /** @defaultValue the console */
  readonly logger?: Logger | undefined
}

/** The option `expiration` of {@link TusApp}. */
export interface ExpirationOption {
  readonly afterMs: number
  /** @defaultValue true */
  readonly sliding?: boolean
}

const DEFAULTS = {
  maxChunkSize: 10_485_760,
  maxMetadataSize: 4096,
  expiration: null,
  progressIntervalMs: 1000,
  informational: true,
  idleTimeoutMs: 60_000,
  minBytesPerSecond: 0,
  maxBufferedBytes: 67_108_864,
  trustedProxies: [],
  filenameCharset: 'ascii',
  sha256: false,
} as const

/** The longest that a timer can run. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** The options of which a table of defaults can speak. */
export interface ResolvedOptions {
  readonly admission: AdmissionRules
  readonly maxChunkSize: number | null
  readonly maxMetadataSize: number
  readonly expiration: ExpirationOption | null
  readonly progressIntervalMs: number
  readonly informational: boolean
  readonly idleTimeoutMs: number
  readonly minBytesPerSecond: number
  readonly maxBufferedBytes: number
  readonly trustedProxies: readonly string[]
  readonly filenameCharset: 'ascii' | 'utf-8'
  readonly publicUrl: string | undefined
  readonly sha256: boolean
}

/** Fills in defaults and refuses what cannot work. @throws `TypeError` naming option and value */
export function resolveOptions(options: TusAppOptions): ResolvedOptions {
  const {
    maxChunkSize = DEFAULTS.maxChunkSize,
    maxMetadataSize = DEFAULTS.maxMetadataSize,
    expiration = DEFAULTS.expiration,
    progressIntervalMs = DEFAULTS.progressIntervalMs,
    informational = DEFAULTS.informational,
    idleTimeoutMs = DEFAULTS.idleTimeoutMs,
    minBytesPerSecond = DEFAULTS.minBytesPerSecond,
    maxBufferedBytes = DEFAULTS.maxBufferedBytes,
    trustedProxies = DEFAULTS.trustedProxies,
    filenameCharset = DEFAULTS.filenameCharset,
    sha256 = DEFAULTS.sha256,
    publicUrl,
  } = options
  const { completedDir, storage } = options
  check('storage', storage, typeof storage?.openQueue === 'function', 'a Storage')
  const isPath = typeof completedDir === 'string' && completedDir !== ''
  check('completedDir', completedDir, isPath, 'a path')
  const isLimit = maxChunkSize === null || isSize(maxChunkSize)
  check('maxChunkSize', maxChunkSize, isLimit, 'a number of bytes or null')
  const expires = expiration === null || isPositive(expiration.afterMs)
  check('expiration.afterMs', expiration?.afterMs, expires, 'a number of milliseconds above 0')
  for (const [name, ms] of Object.entries({ idleTimeoutMs, progressIntervalMs })) {
    const valid = isPositive(ms) && ms <= MAX_TIMER_MS
    check(name, ms, valid, 'a number of milliseconds, at most 24 days')
  }
  for (const [name, flag] of Object.entries({ informational, sha256 })) {
    check(name, flag, typeof flag === 'boolean', 'true or false')
  }
  for (const [name, bytes] of Object.entries({ maxMetadataSize, minBytesPerSecond })) {
    check(name, bytes, isSize(bytes), 'a number of bytes')
  }
  const buffered = isPositive(maxBufferedBytes)
  check('maxBufferedBytes', maxBufferedBytes, buffered, 'a number of bytes above 0')
  check('trustedProxies', trustedProxies, Array.isArray(trustedProxies), 'a list of addresses')
  const isCharset = ['ascii', 'utf-8'].includes(filenameCharset)
  check('filenameCharset', filenameCharset, isCharset, "'ascii' or 'utf-8'")
  for (const name of ['onCreate', 'onComplete', 'onEvent', 'sniff'] as const) {
    const hook = options[name]
    check(name, hook, hook === undefined || typeof hook === 'function', 'a function')
  }
  check(
    'publicUrl',
    publicUrl,
    publicUrl === undefined || isHttpUrl(publicUrl),
    'an http or https URL',
  )
  return Object.freeze({
    admission: resolveAdmission(options, { maxChunkSize }),
    maxChunkSize,
    maxMetadataSize,
    expiration,
    progressIntervalMs,
    informational,
    idleTimeoutMs,
    minBytesPerSecond,
    maxBufferedBytes,
    trustedProxies,
    filenameCharset,
    publicUrl,
    sha256,
  })
}

function check(name: string, value: unknown, valid: boolean, wanted: string): void {
  if (!valid) throw new TypeError(`${name} must be ${wanted}, got ${String(value)}`)
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isPositive(value: unknown): boolean {
  return isSize(value) && value !== 0
}

function isHttpUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** The command line of `tussi-server`. @module */
import { join } from 'node:path'
import { parseFlags, UsageError } from './args.ts'

export const SERVER_HELP = `tussi-server: receives resumable uploads (tus 1.0.0) and does not lose them
usage: tussi-server [flags | --help | --version]

  --host ADDRESS         where to listen (127.0.0.1)
  --port N               0 picks a free one (8080)
  --upload-dir DIR       unfinished uploads (./uploads)
  --completed-dir DIR    finished uploads until saved (UPLOAD_DIR/.completed)
  --dest-dir DIR         where they are saved (./dest)
  --workers N            how many save at once; 0 leaves finished ones alone (1)
  --processes N          server processes that share the port (1)
  --max-size N           largest upload in bytes (no limit)
  --max-chunk-size N     largest request body in bytes, 0 for no limit (0)
  --min-size N           smallest upload in bytes (0)
  --min-chunk-size N     smallest body in bytes that does not end its upload (0)
  --expire-after N       seconds of silence until an upload expires (never)
  --no-fsync             do not wait for the disk: a power cut may lose bytes
  --trusted-proxy CIDR   believe its X-Forwarded-Proto; repeatable
  --cors-origin ORIGIN   only its pages may upload; repeatable (every origin)
  --access-log           one line for each request on standard output
  --no-informational     no 104s: nginx takes them for the final answer
  --yes                  ask for no directories, host or port on a terminal

There is no authentication: put it in front, and never serve the directories.
`

/** What the server was told. */
export interface ServerArgs {
  readonly host: string
  readonly port: number
  readonly uploadDir: string
  readonly completedDir: string
  readonly destDir: string
  readonly workers: number
  readonly processes: number
  readonly accessLog: boolean
  readonly maxSize: number | null
  readonly maxChunkSize: number | null
  readonly minSize: number
  readonly minChunkSize: number
  /** Seconds. */
  readonly expireAfter: number | null
  readonly fsync: boolean
  readonly trustedProxies: readonly string[]
  readonly corsOrigins: readonly string[]
  readonly informational: boolean
}

/** The flags as given; what is absent may still be asked for. */
export interface GivenArgs {
  readonly help: boolean
  readonly version: boolean
  readonly yes: boolean
  readonly host: string | undefined
  readonly port: number | undefined
  readonly uploadDir: string | undefined
  readonly destDir: string | undefined
  readonly completedDir: string | undefined
  readonly rest: Pick<
    ServerArgs,
    | 'workers'
    | 'processes'
    | 'accessLog'
    | 'maxSize'
    | 'maxChunkSize'
    | 'minSize'
    | 'minChunkSize'
    | 'expireAfter'
    | 'fsync'
    | 'trustedProxies'
    | 'corsOrigins'
    | 'informational'
  >
}

/** Answers to what can be asked for on a terminal. */
export const SERVER_DEFAULTS = {
  uploadDir: './uploads',
  destDir: './dest',
  host: '127.0.0.1',
  port: 8080,
} as const

/** @throws UsageError */
export function parseServerArgs(argv: readonly string[]): GivenArgs {
  const flags = parseFlags(argv, {
    texts: [
      'host',
      'port',
      'upload-dir',
      'completed-dir',
      'dest-dir',
      'workers',
      'processes',
      'max-size',
      'max-chunk-size',
      'min-size',
      'min-chunk-size',
      'expire-after',
    ],
    switches: ['access-log', 'no-fsync', 'no-informational', 'yes', 'help', 'version'],
    lists: ['trusted-proxy', 'cors-origin'],
    later: ['metrics', 'no-web'],
  })
  const [stray] = flags.files
  if (stray !== undefined)
    throw new UsageError(`unexpected argument ${stray}; --help lists the flags`)
  return {
    help: flags.switch('help'),
    version: flags.switch('version'),
    yes: flags.switch('yes'),
    host: flags.text('host'),
    port: flags.integer('port', { min: 0, max: 65_535 }),
    uploadDir: flags.text('upload-dir'),
    destDir: flags.text('dest-dir'),
    completedDir: flags.text('completed-dir'),
    rest: {
      workers: flags.integer('workers', { min: 0, max: 1024 }) ?? 1,
      processes: flags.integer('processes', { min: 1, max: 256 }) ?? 1,
      accessLog: flags.switch('access-log'),
      maxSize: flags.integer('max-size', { min: 0 }) ?? null,
      maxChunkSize: flags.integer('max-chunk-size', { min: 0 }) || null,
      minSize: flags.integer('min-size', { min: 0 }) ?? 0,
      minChunkSize: flags.integer('min-chunk-size', { min: 0 }) ?? 0,
      expireAfter: flags.integer('expire-after', { min: 1 }) ?? null,
      fsync: !flags.switch('no-fsync'),
      trustedProxies: flags.list('trusted-proxy'),
      corsOrigins: flags.list('cors-origin'),
      informational: !flags.switch('no-informational'),
    },
  }
}

export function completeServerArgs(
  given: GivenArgs,
  answers: { uploadDir: string; destDir: string; host: string; port: number },
): ServerArgs {
  return {
    ...given.rest,
    ...answers,
    completedDir: given.completedDir ?? join(answers.uploadDir, '.completed'),
  }
}

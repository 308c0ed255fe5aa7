/** The command line of `tussi-upload`. @module */
import { parseFlags, UsageError } from './args.ts'

export const UPLOAD_HELP = `tussi-upload: sends files to an upload server and resumes after a break

usage: tussi-upload [FILE...] [flags]

  --url URL            where uploads are created (http://127.0.0.1:8080/files/)
  --file FILE          a file to send; repeatable, the same as FILE
  --size N             without files: bytes of random data to send (1048576)
  --protocol P         tus (1.0.0), or rufh, the IETF's resumable uploads (tus)
  --chunk-size N       bytes in each request, 0 for one request (8388608)
  --parallel N         files on their way at once (1)
  --progress FILE      where unfinished uploads are noted (tus-progress.json)
  --header 'K: V'      a field for every request; repeatable
  --yes                resume without asking
  --help, --version

Run the same command again after a break: it goes on where the server stands.
A server that is away for up to 20 seconds is waited for.

exit codes: 0 all sent, 1 an upload failed, 2 wrong usage, 130 interrupted
`

/** What to send, and how. */
export interface UploadArgs {
  readonly help: boolean
  readonly version: boolean
  readonly yes: boolean
  readonly url: string
  readonly protocol: 'tus' | 'rufh'
  readonly files: readonly string[]
  readonly size: number
  /** `Infinity` for one request. */
  readonly chunkSize: number
  readonly parallel: number
  readonly progress: string
  readonly headers: Readonly<Record<string, string>>
}

/** @throws UsageError */
export function parseUploadArgs(argv: readonly string[]): UploadArgs {
  const flags = parseFlags(argv, {
    texts: ['url', 'protocol', 'size', 'chunk-size', 'parallel', 'progress'],
    switches: ['yes', 'help', 'version'],
    lists: ['file', 'header'],
    later: [],
  })
  const url = flags.text('url') ?? 'http://127.0.0.1:8080/files/'
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`--url must be an http or https URL, got ${url}`)
  }
  const protocol = flags.text('protocol') ?? 'tus'
  if (protocol !== 'tus' && protocol !== 'rufh') {
    throw new UsageError(`--protocol must be tus or rufh, got ${protocol}`)
  }
  const files = [...flags.files, ...flags.list('file')]
  const size = flags.integer('size', { min: 0 })
  if (size !== undefined && files.length > 0) throw new UsageError('--size goes without files')
  return {
    help: flags.switch('help'),
    version: flags.switch('version'),
    yes: flags.switch('yes'),
    url,
    protocol,
    files,
    size: size ?? 1_048_576,
    chunkSize: (flags.integer('chunk-size', { min: 0 }) ?? 8_388_608) || Number.POSITIVE_INFINITY,
    parallel: flags.integer('parallel', { min: 1, max: 64 }) ?? 1,
    progress: flags.text('progress') ?? 'tus-progress.json',
    headers: Object.fromEntries(flags.list('header').map(parseHeader)),
  }
}

function parseHeader(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(text)
  if (!match) throw new UsageError(`--header must look like 'Name: value', got ${text}`)
  return [match[1] ?? '', match[2] ?? '']
}

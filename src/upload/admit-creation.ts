/** Who may refuse the creation of an upload. @module */
import { UploadError } from '../errors.ts'
import type { CreateOperation } from '../protocol/operation.ts'
import { checkFilename } from '../protocol/upload-metadata.ts'
import { tooSmall } from './minima.ts'
import type { CreateHook, Uploads } from './uploads.ts'

type ServerMetadata = Readonly<Record<string, string>>

/** What the hook is shown. */
export interface CreationQuestion extends Pick<CreateOperation, 'metadata'> {
  /** All request fields with lower-case names. */
  readonly headers: () => Readonly<Record<string, string>>
}

/** What the creation of an upload may say of its length. */
export function checkLength(length: number | null, maxSize: number | null, minSize: number): void {
  if (length === null) return
  if (length < minSize) throw tooSmall(minSize)
  const limit = maxSize ?? Number.MAX_SAFE_INTEGER
  if (length <= limit) return
  throw new UploadError('ERR_MAX_SIZE_EXCEEDED', `an upload may have up to ${limit} bytes`)
}

/** Asks everybody who may refuse a creation, for the server's metadata; a promise only where there is a hook. */
export function admit(
  { onCreate, filenameCharset }: Uploads,
  creation: CreationQuestion,
): ServerMetadata | Promise<ServerMetadata> {
  const { filename } = creation.metadata.values
  if (filename !== undefined) checkFilename(filename, filenameCharset)
  return onCreate ? ask(onCreate, creation) : {}
}

/** The hook's refusal is passed on; anything else that it throws or returns wrongly is our fault. */
async function ask(
  onCreate: CreateHook,
  { headers, metadata }: CreationQuestion,
): Promise<ServerMetadata> {
  try {
    const returned = await onCreate(Object.freeze(headers()), Object.freeze(metadata.values))
    return checkServerMetadata(returned ?? {})
  } catch (error) {
    if (error instanceof UploadError && error.code === 'ERR_REFUSED') throw error
    throw new UploadError('ERR_SERVER_ERROR', 'onCreate failed', { cause: error })
  }
}

function checkServerMetadata(value: object): ServerMetadata {
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === 'string') continue
    throw new TypeError(`onCreate must return strings, got ${typeof text} for ${key}`)
  }
  return { ...(value as Record<string, string>) }
}

/** Upload creation. @module */
import { UploadError } from '../errors.ts'
import { checkFilename, type UploadMetadata } from '../protocol/upload-metadata.ts'
import type { StoredUpload } from '../store/upload.ts'
import { toUploadInfo } from './events.ts'
import { finalize } from './look-up.ts'
import type { Uploads } from './uploads.ts'

/** What a client asks for. */
export interface Creation {
  readonly length: number
  readonly metadata: UploadMetadata
  /** All request fields with lower-case names, for the hook. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Creates an upload; one of length 0 is complete at once.
 *
 * @throws `ERR_MAX_SIZE_EXCEEDED`, `ERR_INVALID_METADATA`, `ERR_REFUSED`,
 * `ERR_INSUFFICIENT_STORAGE`
 */
export async function create(uploads: Uploads, creation: Creation): Promise<StoredUpload> {
  const { length, metadata } = creation
  checkLength(length, uploads.maxSize)
  const { filename } = metadata.values
  if (filename !== undefined) checkFilename(filename, uploads.filenameCharset)
  const serverMetadata = await callOnCreate(uploads, creation)
  const upload = await uploads.storage.create({
    id: crypto.randomUUID(),
    length,
    metadata: metadata.values,
    uploadMetadata: metadata.echo,
    serverMetadata,
  })
  const { uploadId } = upload
  await uploads.emit({
    type: 'upload-created',
    uploadId,
    length,
    metadata: toUploadInfo(upload).metadata,
  })
  if (upload.state === 'sealed') await finalize(uploads, upload)
  return upload
}

function checkLength(length: number, maxSize: number | null): void {
  const limit = maxSize ?? Number.MAX_SAFE_INTEGER
  if (length <= limit) return
  throw new UploadError('ERR_MAX_SIZE_EXCEEDED', `an upload may have up to ${limit} bytes`)
}

/** The hook's refusal is passed on; anything else that it throws or returns wrongly is our fault. */
async function callOnCreate(
  { onCreate }: Uploads,
  { headers, metadata }: Creation,
): Promise<Readonly<Record<string, string>>> {
  if (!onCreate) return {}
  try {
    const returned = await onCreate(Object.freeze(headers), Object.freeze(metadata.values))
    return checkServerMetadata(returned ?? {})
  } catch (error) {
    if (error instanceof UploadError && error.code === 'ERR_REFUSED') throw error
    throw new UploadError('ERR_SERVER_ERROR', 'onCreate failed', { cause: error })
  }
}

function checkServerMetadata(value: object): Readonly<Record<string, string>> {
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === 'string') continue
    throw new TypeError(`onCreate must return strings, got ${typeof text} for ${key}`)
  }
  return { ...(value as Record<string, string>) }
}

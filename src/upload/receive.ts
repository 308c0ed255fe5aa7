/** Receiving a body: within limits, checked, written, told. For whoever holds the upload. @module */
import { UploadError } from '../errors.ts'
import type { ContentTerms } from '../protocol/operation.ts'
import type { AppendResult, Content } from '../store/storage.ts'
import type { StoredUpload } from '../store/upload.ts'
import { verified } from './checksum.ts'
import { toUploadInfo } from './events.ts'
import { chunkTooLarge, limited, paced } from './limits.ts'
import type { Uploads } from './uploads.ts'

/** A request body as the operations see it. */
export interface AppendContent extends Content {
  /** Ends the body early: what arrived is handed out, then `read` rejects with `reason`. */
  stop(reason: unknown): void
  /** Resolves soon, without reading on: whether the whole body is here already. */
  arrived(): Promise<boolean>
  /** A field of the trailer section, after the end. Absent where the runtime shows none. */
  trailer?(name: string): string | undefined
}

/** Which bytes go where. */
export interface Reception extends ContentTerms {
  readonly id: string
  readonly offset: number
  /** The length, if this request tells it. */
  readonly length?: number
}

/** Refuses by its fields what no body can make good. @throws `ERR_CHUNK_SIZE_EXCEEDED`, `ERR_UNSUPPORTED_CHECKSUM` */
export function checkTerms(
  { maxChunkSize }: Uploads,
  { contentLength = 0, checksum }: ContentTerms,
  content: AppendContent,
): void {
  if (maxChunkSize !== null && contentLength > maxChunkSize) throw chunkTooLarge(maxChunkSize)
  if (checksum === 'trailer' && !content.trailer) {
    throw new UploadError(
      'ERR_UNSUPPORTED_CHECKSUM',
      'this server sees no trailers here: send Upload-Checksum before the body',
    )
  }
}

/**
 * Writes the body to the upload and tells the application; resolves with the upload as it is then.
 *
 * @throws what the storage throws, and the error of a body that broke off, with the true offset
 */
export async function receive(
  uploads: Uploads,
  { id, offset, length, checksum }: Reception,
  content: AppendContent,
): Promise<StoredUpload> {
  const { storage, queue, maxChunkSize, maxSize } = uploads
  const body = paced(limited(content, maxChunkSize), uploads)
  const request = {
    offset,
    content: checksum ? verified(body, checksumOf(checksum, content)) : body,
    completedDir: queue.completedDir,
    ...(checksum && { atomic: true }),
    ...(length !== undefined && { length }),
    ...(maxSize !== null && { maxSize }),
  }
  try {
    const result = await storage.append(id, request)
    await tell(uploads, offset, result)
    if (!('contentError' in result)) return result.upload
    throw withOffset(result.contentError, result.upload.offset)
  } catch (error) {
    if (isStorageFailure(error)) {
      await uploads.emit({ type: 'upload-failed', uploadId: id, error })
    }
    throw error
  }
}

function checksumOf(
  checksum: NonNullable<ContentTerms['checksum']>,
  content: AppendContent,
): Parameters<typeof verified>[1] {
  return checksum === 'trailer' ? () => content.trailer?.('upload-checksum') : checksum
}

async function tell(uploads: Uploads, offset: number, { upload }: AppendResult): Promise<void> {
  const uploadInfo = toUploadInfo(upload)
  const bytesWritten = upload.offset - offset
  if (bytesWritten > 0) await uploads.emit({ type: 'upload-progress', uploadInfo, bytesWritten })
  if (upload.state !== 'completed') return
  uploads.queue.notify(upload.uploadId)
  await uploads.emit({ type: 'upload-completed', uploadInfo })
}

function isStorageFailure(error: unknown): error is UploadError {
  const code = error instanceof UploadError && error.code
  return (
    code === 'ERR_STORAGE' || code === 'ERR_INSUFFICIENT_STORAGE' || code === 'ERR_CORRUPT_RECORD'
  )
}

/** An error of the body, with the offset up to which its bytes were kept. */
function withOffset(error: unknown, offset: number): unknown {
  if (!(error instanceof UploadError) || error.offset !== undefined) return error
  const { code, message, retryAfterSeconds, cause } = error
  return new UploadError(code, message, {
    offset,
    cause,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

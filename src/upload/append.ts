/** Upload append. @module */
import { UploadError } from '../errors.ts'
import type { AppendOperation } from '../protocol/operation.ts'
import type { AppendResult, Content } from '../store/storage.ts'
import type { StoredUpload } from '../store/upload.ts'
import { toUploadInfo } from './events.ts'
import { chunkTooLarge, limited, paced } from './limits.ts'
import { lookUp } from './look-up.ts'
import type { Uploads } from './uploads.ts'

/** The body of an append. */
export interface AppendContent extends Content {
  /** Ends the body early: what arrived is handed out, then `read` rejects with `reason`. */
  stop(reason: unknown): void
  /** Resolves soon, without reading on: whether the whole body is here already. */
  arrived(): Promise<boolean>
}

/**
 * Appends content and resolves with the upload as it is then, completed when its end was reached.
 * The last append of an upload may be repeated: its lost answer is given again.
 *
 * @throws `ERR_CHUNK_SIZE_EXCEEDED`, `ERR_UPLOAD_SIZE_EXCEEDED`, `ERR_MISMATCHED_OFFSET`,
 * `ERR_UPLOAD_INTERRUPTED`, `ERR_UPLOAD_NOT_FOUND`, `ERR_INSUFFICIENT_STORAGE` and the error of a
 * body that broke off; `offset` is the true one wherever the upload is known.
 */
export async function append(
  uploads: Uploads,
  operation: AppendOperation,
  content: AppendContent,
): Promise<StoredUpload> {
  const { id, contentLength } = operation
  const { maxChunkSize } = uploads
  if (maxChunkSize !== null && (contentLength ?? 0) > maxChunkSize)
    throw chunkTooLarge(maxChunkSize)
  const release = await uploads.holders.take(id, (reason) => content.stop(reason))
  try {
    // Deciding before the body costs a look at the disk, which a body that is here already saves.
    if (!(await content.arrived())) {
      const repeated = await check(uploads, operation)
      if (repeated) return repeated
    }
    return await write(uploads, operation, paced(limited(content, maxChunkSize), uploads))
  } finally {
    release()
  }
}

async function write(
  uploads: Uploads,
  operation: AppendOperation,
  content: Content,
): Promise<StoredUpload> {
  const { storage, queue } = uploads
  const { id, offset } = operation
  try {
    const result = await storage.append(id, { offset, content, completedDir: queue.completedDir })
    await tell(uploads, offset, result)
    if (!('contentError' in result)) return result.upload
    throw withOffset(result.contentError, result.upload.offset)
  } catch (error) {
    if (isStale(error)) {
      const repeated = await check(uploads, operation)
      if (repeated) return repeated
    }
    if (isStorageFailure(error)) {
      await uploads.emit({ type: 'upload-failed', uploadId: id, error })
    }
    throw error
  }
}

/** Refuses what cannot be appended; resolves with a finished upload whose last append this repeats. */
async function check(
  uploads: Uploads,
  { id, offset, contentLength }: AppendOperation,
): Promise<StoredUpload | undefined> {
  const upload = await lookUp(uploads, id)
  const end = offset + (contentLength ?? 0)
  if (upload.state !== 'receiving') {
    if (contentLength !== undefined && end === upload.length) return upload
    throw mismatch(upload)
  }
  if (upload.offset !== offset) throw mismatch(upload)
  if (upload.length !== null && end > upload.length) {
    throw new UploadError(
      'ERR_UPLOAD_SIZE_EXCEEDED',
      `the body goes on beyond the upload's length of ${upload.length} bytes`,
      { offset: upload.offset },
    )
  }
  return undefined
}

async function tell(uploads: Uploads, offset: number, { upload }: AppendResult): Promise<void> {
  const uploadInfo = toUploadInfo(upload)
  const bytesWritten = upload.offset - offset
  if (bytesWritten > 0) await uploads.emit({ type: 'upload-progress', uploadInfo, bytesWritten })
  if (upload.state !== 'completed') return
  uploads.queue.notify(upload.uploadId)
  await uploads.emit({ type: 'upload-completed', uploadInfo })
}

function mismatch(upload: StoredUpload): UploadError {
  return new UploadError('ERR_MISMATCHED_OFFSET', `the upload stands at ${upload.offset}`, {
    offset: upload.offset,
  })
}

function isStale(error: unknown): boolean {
  const code = error instanceof UploadError && error.code
  return code === 'ERR_MISMATCHED_OFFSET' || code === 'ERR_UPLOAD_NOT_FOUND'
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

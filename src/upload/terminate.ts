/** Upload termination. @module */
import { UploadError } from '../errors.ts'
import type { Uploads } from './uploads.ts'

/**
 * Removes an upload and frees its space; a request that still writes to it is ended first.
 *
 * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_UPLOAD_LOCKED`
 */
export async function terminate(uploads: Uploads, id: string): Promise<void> {
  // Nothing to stop: a termination takes no time.
  const reason = new UploadError('ERR_UPLOAD_GONE', 'the upload was terminated')
  const release = await uploads.holders.take(id, () => undefined, reason)
  try {
    await end(uploads, id)
  } finally {
    release()
  }
}

/** The same for whoever holds the upload. */
export async function end({ storage, queue, emit }: Uploads, id: string): Promise<void> {
  await storage.terminate(id, { completedDir: queue.completedDir, end: 'terminated' })
  await emit({ type: 'upload-terminated', uploadId: id })
}

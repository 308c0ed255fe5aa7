/** Refusing an upload after it was begun: the reason is recorded and repeated, its space is free. @module */
import { UploadError } from '../errors.ts'
import type { UploadRefusal } from '../store/upload-notes.ts'
import type { Uploads } from './uploads.ts'

/** For whoever holds the upload. What a crash leaves in between the next look or the janitor ends. */
export async function refuse(uploads: Uploads, id: string, refusal: UploadRefusal): Promise<void> {
  const { storage, queue, digests, emit } = uploads
  const { completedDir } = queue
  try {
    // In another process it may be before its judge: what is noted there counts.
    const letGo = await storage.hold?.(id)
    await storage.note(id, { refusal }).finally(letGo)
  } catch (error) {
    // One that waits for a worker has left the storage.
    if (!(error instanceof UploadError) || error.code !== 'ERR_UPLOAD_NOT_FOUND') throw error
  }
  await storage.terminate(id, { completedDir, end: 'refused', notes: { refusal } })
  digests.forget(id)
  await emit({ type: 'upload-refused', uploadId: id, reason: refusal.message })
}

/**
 * Ends an upload by a word of the application: a request that is running gets the reason at once,
 * later ones get it too.
 *
 * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_UPLOAD_LOCKED` while a worker holds it
 */
export async function stop(uploads: Uploads, id: string, refusal: UploadRefusal): Promise<void> {
  const { status, message } = refusal
  const reason = new UploadError('ERR_REFUSED', message, { status })
  const release = await uploads.holders.take(id, () => undefined, reason)
  try {
    await refuse(uploads, id, refusal)
  } finally {
    release()
  }
}

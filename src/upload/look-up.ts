/** Finding an upload wherever it stands, and moving a sealed one on. @module */
import { UploadError } from '../errors.ts'
import type { StoredUpload } from '../store/upload.ts'
import { isPartial } from '../store/upload-notes.ts'
import { toUploadInfo } from './events.ts'
import type { Uploads } from './uploads.ts'

/**
 * The upload: receiving, waiting for a worker, or remembered. One that was sealed before a crash is
 * finalized first; should that fail, it is complete all the same and the next look tries again.
 *
 * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_CORRUPT_RECORD`
 */
export async function lookUp(uploads: Uploads, id: string): Promise<StoredUpload> {
  const upload = await findUpload(uploads, id)
  checkExpiry(upload)
  if (upload.state !== 'sealed' || isPartial(upload.notes)) return upload
  try {
    await finalize(uploads, upload)
    return { ...upload, state: 'completed' }
  } catch (error) {
    uploads.logger.error('a complete upload could not be moved to the queue', { id, error })
    return upload
  }
}

/** Moves a sealed upload into the queue and tells whom it concerns. */
export async function finalize(uploads: Uploads, upload: StoredUpload): Promise<void> {
  const { storage, queue, emit } = uploads
  const { uploadId } = upload
  try {
    // Several may look at once; only one of them has moved it.
    if (!(await storage.finalize(uploadId, queue.completedDir))) return
  } catch (error) {
    await emit({ type: 'upload-failed', uploadId, error: error as Error })
    throw error
  }
  queue.notify(uploadId)
  await emit({ type: 'upload-completed', uploadInfo: toUploadInfo(upload) })
}

function checkExpiry({ expiresAt }: StoredUpload): void {
  if (expiresAt === null || expiresAt.getTime() > Date.now()) return
  throw new UploadError('ERR_UPLOAD_GONE', 'this upload has expired')
}

async function findUpload({ storage, queue }: Uploads, id: string): Promise<StoredUpload> {
  try {
    return await (storage.settledInfo?.(id) ?? storage.info(id))
  } catch (error) {
    if (!(error instanceof UploadError) || error.code !== 'ERR_UPLOAD_NOT_FOUND') throw error
    const found = await queue.find(id)
    if (found) return checkEnd(found)
    throw error
  }
}

/** @throws what became of an upload that no worker has acknowledged */
function checkEnd(upload: StoredUpload): StoredUpload {
  const { state, notes } = upload
  if (state === 'refused' && notes.refusal) {
    const { status, message } = notes.refusal
    throw new UploadError('ERR_REFUSED', message, { status })
  }
  if (state === 'terminated' || state === 'expired' || state === 'refused') {
    throw new UploadError('ERR_UPLOAD_GONE', `this upload was ${state}`)
  }
  return upload
}

/** Offset retrieval. The client asks because its connection is gone: the old request ends first. @module */
import { UploadError } from '../errors.ts'
import type { StoredUpload } from '../store/upload.ts'
import { assemble, isPending } from './assemble.ts'
import { undecided } from './complete.ts'
import { find, isWaiting, lookUp } from './look-up.ts'
import type { Uploads } from './uploads.ts'

/** @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_REFUSED`, `ERR_UPLOAD_LOCKED` */
export async function retrieveOffset(uploads: Uploads, id: string): Promise<StoredUpload> {
  await uploads.holders.interrupt(id)
  const upload = await find(uploads, id)
  if (isPending(upload)) return assemble(uploads, id)
  if (!isWaiting(upload)) return upload
  const release = await uploads.holders.take(id, () => undefined)
  try {
    return await lookUp(uploads, id)
  } catch (error) {
    if (!(error instanceof UploadError) || error.code !== 'ERR_SERVER_ERROR') throw error
    uploads.logger.error('a complete upload could not be judged', { id, error })
    throw undecided(error)
  } finally {
    release()
  }
}

/** Offset retrieval. The client asks because its connection is gone: the old request ends first. @module */
import { UploadError } from '../errors.ts'
import type { RetrieveOperation } from '../protocol/operation.ts'
import type { StoredUpload } from '../store/upload.ts'
import { append } from './append.ts'
import { assemble, isUnsettled } from './assemble.ts'
import { undecided } from './complete.ts'
import { find, isWaiting, lookUp } from './look-up.ts'
import type { AppendContent } from './receive.ts'
import type { Uploads } from './uploads.ts'

/**
 * Where a client takes an upload at its length for complete, it is made so before it hears of it.
 *
 * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_REFUSED`, `ERR_UPLOAD_LOCKED`
 */
export async function retrieveOffset(
  uploads: Uploads,
  { id, byLength = false }: Omit<RetrieveOperation, 'type'>,
): Promise<StoredUpload> {
  const interrupting = uploads.holders.interrupt(id)
  if (interrupting) await interrupting
  const upload = await find(uploads, id)
  const { state, length, offset } = upload
  const untold = byLength && state === 'receiving' && length === offset
  try {
    if (isUnsettled(upload)) return await assemble(uploads, id)
    if (untold) return await append(uploads, { id, offset, contentLength: 0 }, NOTHING)
    return isWaiting(upload) ? await lookUpHeld(uploads, id) : upload
  } catch (error) {
    if (!(error instanceof UploadError) || error.code !== 'ERR_SERVER_ERROR') throw error
    uploads.logger.error('a complete upload could not be judged', { id, error })
    throw undecided(error)
  }
}

async function lookUpHeld(uploads: Uploads, id: string): Promise<StoredUpload> {
  const release = await uploads.holders.take(id, () => undefined)
  try {
    return await lookUp(uploads, id)
  } finally {
    release()
  }
}

const NOTHING: AppendContent = {
  read: async () => ({ pieces: [], byteLength: 0, last: true }),
  stop: () => undefined,
  arrived: async () => true,
}

/** Finding an upload wherever it stands, and moving a sealed one on. @module */
import { UploadError } from '../errors.ts'
import { isUploadId } from '../protocol/upload-id.ts'
import type { StoredUpload, UploadEnd } from '../store/upload.ts'
import { isPartial } from '../store/upload-notes.ts'
import { complete } from './complete.ts'
import type { Uploads } from './uploads.ts'
import { toRefusal } from './verdict.ts'

/**
 * The upload: receiving, waiting for a worker, or remembered. One that was sealed before a crash is
 * completed first, for which the caller holds it; should moving it fail, it is complete all the same
 * and the next look tries again.
 *
 * @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_GONE`, `ERR_REFUSED`, `ERR_CORRUPT_RECORD`, and what a
 * hook that has to judge it throws
 */
export async function lookUp(uploads: Uploads, id: string): Promise<StoredUpload> {
  const upload = await find(uploads, id)
  if (!isWaiting(upload)) return upload
  try {
    return await complete(uploads, upload)
  } catch (error) {
    if (isGone(error)) return find(uploads, id)
    if (upload.notes.gated) throw error
    uploads.logger.error('a complete upload could not be moved to the queue', { id, error })
    return upload
  }
}

/** Whether it is complete and has not reached the queue. */
export function isWaiting({ state, notes }: StoredUpload): boolean {
  return state === 'sealed' && !isPartial(notes)
}

/** Looks and moves nothing. */
export async function find({ storage, queue }: Uploads, id: string): Promise<StoredUpload> {
  try {
    const upload = await (storage.settledInfo?.(id) ?? storage.info(id))
    checkExpiry(upload)
    return upload
  } catch (error) {
    if (!isGone(error)) throw error
    const found = await queue.find(id)
    if (found) return checkEnd(found)
    throw error
  }
}

/** Looks, and neither ends a request that writes nor judges what it finds. @throws `ERR_UPLOAD_NOT_FOUND` */
export async function peek({ storage, queue }: Uploads, id: string): Promise<StoredUpload> {
  try {
    return await storage.info(id)
  } catch (error) {
    const found = isGone(error) && (await queue.find(id))
    if (found) return found
    throw error
  }
}

/** Looks, and neither ends a request that writes nor moves anything; `undefined` if it is unknown or gone. */
export async function glance(uploads: Uploads, id: string): Promise<StoredUpload | undefined> {
  if (!isUploadId(id)) return undefined
  try {
    const upload = await peek(uploads, id)
    return isExpired(upload) || ENDS.has(upload.state) ? undefined : upload
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** How uploads end that no worker has acknowledged. */
const ENDS: ReadonlySet<StoredUpload['state']> = new Set<UploadEnd>([
  'terminated',
  'expired',
  'refused',
])

function isGone(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'ERR_UPLOAD_NOT_FOUND'
}

function isExpired({ expiresAt }: StoredUpload): boolean {
  return expiresAt !== null && expiresAt.getTime() <= Date.now()
}

function checkExpiry(upload: StoredUpload): void {
  if (isExpired(upload)) throw new UploadError('ERR_UPLOAD_GONE', 'this upload has expired')
}

/** @throws what became of an upload that no worker has acknowledged */
function checkEnd(upload: StoredUpload): StoredUpload {
  const { state, notes } = upload
  if (state === 'refused' && notes.refusal) throw toRefusal(notes.refusal)
  if (ENDS.has(state)) throw new UploadError('ERR_UPLOAD_GONE', `this upload was ${state}`)
  return upload
}

/** Putting a final upload together once all of its parts are complete. @module */
import { UploadError } from '../errors.ts'
import type { StoredUpload } from '../store/upload.ts'
import { isPartial } from '../store/upload-notes.ts'
import { complete } from './complete.ts'
import { toUploadInfo } from './events.ts'
import { find, isWaiting, lookUp } from './look-up.ts'
import { refuse } from './refuse.ts'
import { end } from './terminate.ts'
import type { Uploads } from './uploads.ts'
import { toRefusal } from './verdict.ts'

/** Whether it is a final upload that has no bytes yet. */
export function isPending({ state, notes }: StoredUpload): boolean {
  return state === 'receiving' && notes.concat?.parts !== undefined
}

/** Whether it is a final upload that has not reached the queue: without its bytes, or without its verdict. */
export function isUnsettled(upload: StoredUpload): boolean {
  return isPending(upload) || (upload.notes.concat?.parts !== undefined && isWaiting(upload))
}

/**
 * Puts a final upload together if its parts are complete, or has one judged that is; removes them then,
 * and resolves with the upload as it is: still pending, or on its way to a worker. A crash in the middle
 * leaves it pending, or waiting for its verdict.
 *
 * @throws `ERR_UPLOAD_LOCKED` while another request is at it, `ERR_INSUFFICIENT_STORAGE`, `ERR_UPLOAD_GONE`
 * when a part is, and the verdict of the application
 */
export async function assemble(uploads: Uploads, id: string): Promise<StoredUpload> {
  const stop = new AbortController()
  const release = await uploads.holders.take(id, (reason) => {
    // Whoever looks meanwhile has to wait: begun anew with each look it would never end.
    if (reason.code !== 'ERR_UPLOAD_INTERRUPTED') stop.abort(reason)
  })
  try {
    const found = await find(uploads, id)
    const parts = found.notes.concat?.parts
    if (!parts || !isUnsettled(found)) return found
    const { signal } = stop
    const settling = isPending(found)
      ? fill(uploads, found, { parts, signal })
      : lookUp(uploads, id)
    const upload = await settling.catch(async (error) => {
      // With what was refused goes what it was made of; a word from outside ends the upload alone.
      if (isRefusal(error) && !signal.aborted) await consume(uploads, id, parts)
      throw error
    })
    if (!isUnsettled(upload)) await consume(uploads, id, parts)
    return upload
  } finally {
    release()
  }
}

interface Filling {
  readonly parts: readonly string[]
  readonly signal: AbortSignal
}

async function fill(
  uploads: Uploads,
  pending: StoredUpload,
  { parts, signal }: Filling,
): Promise<StoredUpload> {
  const { uploadId: id } = pending
  const length = await lengthOf(uploads, parts)
  if (length === undefined) return pending
  if (length === 'gone') return endBroken(uploads, id)
  if (pending.length === null) await checkSum(uploads, pending, length)
  return settle(uploads, await concat(uploads, id, signal))
}

/** The last byte of a part has come: what waits for it may go on. Nobody waits for that. */
export function assembleWaiting(uploads: Uploads, part: StoredUpload): void {
  const { storage, logger } = uploads
  const { uploadId } = part
  const { concatenation } = storage
  if (!concatenation || part.state !== 'sealed' || !isPartial(part.notes)) return
  const failed = (error: unknown): void =>
    logger.error('an upload could not be put together', { part: uploadId, error })
  const run = async (id: string): Promise<void> => {
    await assemble(uploads, id).catch((error) => {
      if (isOver(error)) return concatenation.unwant(id, uploadId)
      return failed(error)
    })
  }
  const all = concatenation.wantedBy(uploadId)
  all.then((ids) => Promise.all(ids.map(run))).catch(failed)
}

/** It has ended before, or was refused. */
function isOver(error: unknown): boolean {
  const code = error instanceof UploadError && error.code
  return code === 'ERR_UPLOAD_GONE' || code === 'ERR_UPLOAD_NOT_FOUND' || isRefusal(error)
}

function isRefusal(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'ERR_REFUSED'
}

/**
 * Nobody can put it together any more, and it may not be called one that is only waiting. Looked at again,
 * for another process may have done so, and have removed the parts, before that one was gone.
 */
async function endBroken(uploads: Uploads, id: string): Promise<StoredUpload> {
  const now = await find(uploads, id)
  if (!isPending(now)) return now
  await end(uploads, id)
  throw new UploadError('ERR_UPLOAD_GONE', 'a part of this upload has ended before it was complete')
}

/** How long an upload of these parts is; `undefined` while they are not complete. */
async function lengthOf(
  { storage }: Uploads,
  ids: readonly string[],
): Promise<number | 'gone' | undefined> {
  const lengths = new Map<string, number>()
  for (const id of new Set(ids)) {
    const part = await storage.info(id).catch((error: unknown) => {
      const code = error instanceof UploadError && error.code
      return code === 'ERR_UPLOAD_NOT_FOUND' ? 'gone' : undefined
    })
    if (part === 'gone') return part
    if (part?.state !== 'sealed') return undefined
    lengths.set(id, part.offset)
  }
  return ids.reduce((sum, id) => sum + (lengths.get(id) ?? 0), 0)
}

/** When it was made nobody knew how long its parts would become: what was allowed then is allowed. */
async function checkSum(
  uploads: Uploads,
  { uploadId, notes }: StoredUpload,
  length: number,
): Promise<void> {
  const maxSize = notes.concat?.maxSize ?? uploads.maxSize ?? length
  const minSize = notes.minima?.size ?? 0
  if (length >= minSize && length <= maxSize) return
  const allowed = length < minSize ? `must have at least ${minSize}` : `may have up to ${maxSize}`
  const message = `the parts have ${length} bytes together; an upload ${allowed}`
  const refusal = { status: length < minSize ? 400 : 413, message }
  await refuse(uploads, uploadId, refusal)
  throw toRefusal(refusal)
}

async function concat(uploads: Uploads, id: string, signal: AbortSignal): Promise<StoredUpload> {
  const { storage, queue } = uploads
  const letGo = await storage.hold?.(id)
  try {
    const { completedDir } = queue
    const assembled = await storage.concatenation?.concat(id, { completedDir, signal })
    if (assembled) return assembled
    throw new UploadError('ERR_INVALID_CONCAT', 'this storage puts no uploads together')
  } finally {
    await letGo?.()
  }
}

/** Tells of an upload that has reached the queue; one that waits for a verdict gets it. */
async function settle(uploads: Uploads, upload: StoredUpload): Promise<StoredUpload> {
  if (upload.state === 'sealed') return complete(uploads, upload)
  uploads.queue.notify(upload.uploadId)
  await uploads.emit({ type: 'upload-completed', uploadInfo: toUploadInfo(upload) })
  return upload
}

/**
 * The bytes of the parts are in the final upload now, or were refused with it. They are remembered as
 * complete: a client that has lost the answer looks at them before it asks for the upload again.
 */
async function consume(uploads: Uploads, id: string, parts: readonly string[]): Promise<void> {
  const { storage, queue, logger } = uploads
  const { completedDir } = queue
  const { concatenation } = storage
  const remove = async (part: string): Promise<void> => {
    await concatenation?.unwant(id, part)
    const others = (await concatenation?.wantedBy(part)) ?? []
    if (others.length === 0) await storage.terminate(part, { completedDir, end: 'acknowledged' })
  }
  const ends = await Promise.allSettled([...new Set(parts)].map(remove))
  for (const result of ends) {
    // Whatever is left the janitor removes when it is stale.
    if (result.status === 'rejected' && !isOver(result.reason)) {
      logger.warn('a part could not be removed', { id, error: result.reason })
    }
  }
}

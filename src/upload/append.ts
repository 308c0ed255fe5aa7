/** Upload append. @module */
import { UploadError } from '../errors.ts'
import { minimaOf } from '../protocol/minima.ts'
import type { AppendOperation } from '../protocol/operation.ts'
import type { Content } from '../store/storage.ts'
import type { StoredUpload } from '../store/upload.ts'
import { paced } from './limits.ts'
import { lookUp } from './look-up.ts'
import { type Least, leastOf, tooSmall } from './minima.ts'
import { type AppendContent, checkTerms, isOverrun, receive } from './receive.ts'
import { end } from './terminate.ts'
import type { Uploads } from './uploads.ts'

/** What a client asks for, and who hears of it on the way. */
export interface Appending extends Omit<AppendOperation, 'type'> {
  readonly onOffset?: (offset: number) => void
}

/**
 * Appends content and resolves with the upload as it is then, completed when its end was reached.
 * The last append of an upload may be repeated: its lost answer is given again.
 *
 * @throws `ERR_CHUNK_SIZE_EXCEEDED`, `ERR_CHUNK_SIZE_NOT_REACHED`, `ERR_UPLOAD_SIZE_EXCEEDED`,
 * `ERR_MIN_SIZE_NOT_REACHED`, `ERR_MISMATCHED_OFFSET`, `ERR_MISMATCHED_CHECKSUM`,
 * `ERR_INVALID_UPLOAD_LENGTH`, `ERR_MODIFY_FINAL`, `ERR_UPLOAD_INTERRUPTED`, `ERR_UPLOAD_NOT_FOUND`,
 * `ERR_UPLOAD_GONE`, `ERR_INSUFFICIENT_STORAGE` and the error of a body that
 * broke off; `offset` is the true one wherever the upload is known.
 */
export async function append(
  uploads: Uploads,
  operation: Appending,
  content: AppendContent,
): Promise<StoredUpload> {
  const { id } = operation
  checkTerms(uploads, operation, content)
  const release = await uploads.holders.take(id, (reason) => content.stop(reason))
  try {
    // Deciding before the body costs a look at the disk, which a body that is here already saves. Where
    // only its end will tell what it repeats, it has to be there still.
    let least: Least | undefined
    const arrived = content.arrived()
    const here = (arrived === true || (await arrived)) && !isOpenEnd(operation)
    if (!here || mayBeTooSmall(uploads, operation)) {
      const upload = await check(uploads, operation, content)
      if (upload.state !== 'receiving') return upload
      least = checkMinima(uploads, upload, operation)
    }
    return await write(uploads, operation, least, content)
  } catch (error) {
    if (isOverrun(error, operation)) await end(uploads, id)
    throw error
  } finally {
    release()
  }
}

async function write(
  uploads: Uploads,
  operation: Appending,
  least: Least | undefined,
  content: AppendContent,
): Promise<StoredUpload> {
  try {
    return await receive(uploads, least ? { ...operation, least } : operation, content)
  } catch (error) {
    const found = isStale(error) ? await check(uploads, operation) : undefined
    if (found && found.state !== 'receiving') return found
    throw error
  }
}

/** Refuses what cannot be appended; resolves with the upload, a finished one where this repeats its last append. */
async function check(
  uploads: Uploads,
  operation: Appending,
  content?: AppendContent,
): Promise<StoredUpload> {
  const { id, offset, length, contentLength, complete } = operation
  const upload = await lookUp(uploads, id)
  if (upload.notes.concat?.parts) {
    throw new UploadError('ERR_MODIFY_FINAL', 'a final upload takes no bytes of its own')
  }
  const last = offset + (contentLength ?? 0)
  if (upload.state !== 'receiving') {
    const bytes =
      isOpenEnd(operation) && content
        ? await count(paced(content, uploads), upload.offset - offset)
        : contentLength
    const repeated = bytes !== undefined && offset + bytes === upload.length
    if (repeated && complete !== false) return upload
    if (complete === undefined || offset !== upload.offset) throw mismatch(upload)
    throw new UploadError('ERR_UPLOAD_COMPLETED', 'the upload is complete and takes no more bytes')
  }
  if (upload.offset !== offset) throw mismatch(upload)
  const known = upload.length ?? length
  if (known !== (length ?? known) || (known ?? offset) < offset) {
    throw new UploadError(
      'ERR_INVALID_UPLOAD_LENGTH',
      `the upload has a length of ${upload.length ?? `at least ${offset}`} bytes, not ${length}`,
      { offset },
    )
  }
  if (known !== undefined && last > known) {
    throw new UploadError(
      'ERR_UPLOAD_SIZE_EXCEEDED',
      `the body goes on beyond the upload's length of ${known} bytes`,
      { offset: upload.offset },
    )
  }
  return upload
}

/** Whether it would be too small for an upload that begins now; only the record tells if for this one. */
function mayBeTooSmall(
  { minima: { size, chunkSize } }: Uploads,
  { length = size, contentLength = 0, complete }: Appending,
): boolean {
  return length < size || (!complete && contentLength < chunkSize)
}

/** Refuses what is too small for this upload; resolves with what is left to be seen at the end of the body. */
function checkMinima(
  uploads: Uploads,
  { length: known, notes }: StoredUpload,
  { offset, length: told, contentLength, complete }: Appending,
): Least | undefined {
  const minima = minimaOf(uploads.minima, notes.minima)
  if (known === null && told !== undefined && told < minima.size) {
    throw tooSmall(minima.size, offset)
  }
  return leastOf(minima, { offset, length: known ?? told ?? null, contentLength, complete })
}

/** The request ends the upload, and does not say how long its body is. */
function isOpenEnd({ complete, contentLength }: Appending): boolean {
  return complete === true && contentLength === undefined
}

/** How long a body is of which nothing is kept; beyond `max` it does not matter. */
async function count(body: Content, max: number): Promise<number> {
  let bytes = 0
  for (let last = false; !last && bytes <= max; ) {
    const batch = await body.read()
    bytes += batch.byteLength
    last = batch.last
  }
  return bytes
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

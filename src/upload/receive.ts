/** Receiving a body: within limits, checked, written, told. For whoever holds the upload. @module */
import { UploadError } from '../errors.ts'
import type { Completeness, ContentTerms } from '../protocol/operation.ts'
import type { Content, FirstContent } from '../store/storage.ts'
import type { StoredUpload } from '../store/upload.ts'
import { assembleWaiting } from './assemble.ts'
import { verified } from './checksum.ts'
import { complete, isGated } from './complete.ts'
import { toUploadInfo } from './events.ts'
import { chunkTooLarge, enough, limited, paced } from './limits.ts'
import { isWaiting } from './look-up.ts'
import type { Least } from './minima.ts'
import { ProgressReport } from './progress-report.ts'
import { refuse } from './refuse.ts'
import { SniffRefusal, sniffed, sniffRecorded } from './sniff.ts'
import type { Uploads } from './uploads.ts'
import { toRefusal } from './verdict.ts'

/** A request body as the operations see it. */
export interface AppendContent extends Content {
  /** Ends the body early: what arrived is handed out, then `read` rejects with `reason`. */
  stop(reason: unknown): void
  /** Tells soon, without reading on: whether the whole body is here already. */
  arrived(): boolean | Promise<boolean>
  /** A field of the trailer section, after the end. Absent where the runtime shows none. */
  trailer?(name: string): string | undefined
}

/** Which bytes go where. */
export interface Reception extends ContentTerms {
  readonly id: string
  readonly offset: number
  /** The length, if this request tells it. */
  readonly length?: number | undefined
  readonly complete?: Completeness | undefined
  /** What the body has to bring, where only its end tells how long it is. */
  readonly least?: Least | undefined
  /** Hears each offset that has become durable while the body is received. */
  readonly onOffset?: ((offset: number) => void) | undefined
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
 * Writes the body to the upload and tells the application; resolves with the upload as it is then,
 * in the queue when its end was reached.
 *
 * @throws what the storage throws, the error of a body that broke off, with the true offset, and the
 * verdict of the application
 */
export async function receive(
  uploads: Uploads,
  reception: Reception,
  content: AppendContent,
): Promise<StoredUpload> {
  const { id } = reception
  try {
    const upload = await write(uploads, reception, content)
    if (isWaiting(upload)) return await complete(uploads, upload)
    assembleWaiting(uploads, upload)
    // Where it was not asked yet, for a checksum was awaited, it is now.
    if (upload.state === 'receiving' && (await sniffRecorded(uploads, upload))) {
      await uploads.storage.note(id, { sniffed: true })
    }
    return upload
  } catch (error) {
    throw error instanceof SniffRefusal ? await refuseFor(uploads, id, error) : error
  }
}

async function write(
  uploads: Uploads,
  { id, offset, length, checksum, contentLength, complete, least, onOffset }: Reception,
  content: AppendContent,
): Promise<StoredUpload> {
  const { storage, queue, maxChunkSize, maxSize, quota, digests } = uploads
  const body = paced(enough(limited(content, maxChunkSize), least), uploads)
  const checked = checkedBody(body, checksum, content)
  const seen = sniffed(uploads, { id, offset }, checked)
  const hashed = digests.follows(id)
    ? await digests.follow(uploads, id, { offset, content: seen.content })
    : undefined
  const report = new ProgressReport(uploads, id, offset)
  const request = {
    offset,
    content: hashed?.content ?? seen.content,
    completedDir: queue.completedDir,
    seal: isGated(uploads),
    atomic: checksum !== undefined,
    length,
    complete,
    maxSize: maxSize ?? undefined,
    quota: quota ?? undefined,
    contentLength,
    onOffset: (durable: number) => {
      hashed?.onOffset(durable)
      report.onOffset(durable)
      onOffset?.(durable)
    },
  }
  try {
    const result = await storage.append(id, request)
    hashed?.onOffset(result.upload.offset)
    const telling = tell(uploads, report, result.upload)
    if (telling) await telling
    if ('contentError' in result) throw withOffset(result.contentError, result.upload.offset)
    return seen.passed() ? await passed(uploads, result.upload) : result.upload
  } catch (error) {
    await report.end()
    if (isStorageFailure(error)) {
      await uploads.emit({ type: 'upload-failed', uploadId: id, error })
    }
    throw error
  }
}

/** Remembers that the first bytes were seen. */
async function passed({ storage }: Uploads, upload: StoredUpload): Promise<StoredUpload> {
  if (upload.state === 'receiving') await storage.note(upload.uploadId, { sniffed: true })
  return { ...upload, notes: { ...upload.notes, sniffed: true } }
}

async function refuseFor(
  uploads: Uploads,
  id: string,
  { refusal }: SniffRefusal,
): Promise<UploadError> {
  await refuse(uploads, id, refusal)
  return toRefusal(refusal)
}

/** So many bytes are worth waiting for, when the creation can be one step with them. */
const WHOLE_BYTES = 65_536

/** The body of a creation if it is here already, small, and nobody has a say in it. */
export async function wholeBody(
  uploads: Uploads,
  {
    contentLength = 0,
    checksum,
    complete,
  }: ContentTerms & { readonly complete?: Completeness | undefined },
  content: AppendContent,
): Promise<FirstContent | undefined> {
  const { maxChunkSize, maxSize, queue } = uploads
  if (contentLength === 0 || contentLength > WHOLE_BYTES || isGated(uploads)) return undefined
  const here = content.arrived()
  if (!(here === true || (await here))) return undefined
  const body = limited(content, maxChunkSize)
  const { pieces } = await checkedBody(body, checksum, content).read()
  const { completedDir } = queue
  return {
    pieces,
    completedDir,
    ...(complete !== undefined && { complete }),
    ...(maxSize !== null && { maxSize }),
  }
}

/** Where the end is told and not counted, a body that goes beyond the length ends the upload for good. */
export function isOverrun(
  error: unknown,
  { complete }: { readonly complete?: Completeness | undefined },
): boolean {
  const code = error instanceof UploadError && error.code
  return complete !== undefined && code === 'ERR_UPLOAD_SIZE_EXCEEDED'
}

/** `body` within which `content` is read, held to its checksum if it has one. */
export function checkedBody(
  body: Content,
  checksum: ContentTerms['checksum'],
  content: AppendContent,
): Content {
  if (!checksum) return body
  return verified(
    body,
    checksum === 'trailer' ? () => content.trailer?.('upload-checksum') : checksum,
  )
}

/**
 * Tells what a request has brought, and the end that the storage has reached by it. A promise only where
 * somebody is waited for.
 */
export function tell(
  uploads: Uploads,
  report: ProgressReport,
  upload: StoredUpload,
): Promise<void> | undefined {
  const reporting = report.end(upload)
  return reporting ? reporting.then(() => tellEnd(uploads, upload)) : tellEnd(uploads, upload)
}

function tellEnd({ queue, emit }: Uploads, upload: StoredUpload): Promise<void> | undefined {
  if (upload.state !== 'completed') return undefined
  queue.notify(upload.uploadId)
  return emit({ type: 'upload-completed', uploadInfo: toUploadInfo(upload) })
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
  const { code, message, retryAfterSeconds, minimum, cause, status } = error
  return new UploadError(code, message, {
    offset,
    cause,
    ...(status !== undefined && { status }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(minimum !== undefined && { minimum }),
  })
}

/**
 * From its last byte to the queue: a sealed upload gets its verdict, which is recorded, and moves on.
 * For whoever holds the upload in this process.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import { formatDigest, keyOf } from '../protocol/digest-fields.ts'
import type { StoredUpload } from '../store/upload.ts'
import type {
  DigestAlgorithm,
  UploadDigests,
  UploadNotes,
  UploadRefusal,
} from '../store/upload-notes.ts'
import { toUploadInfo } from './events.ts'
import { refuse } from './refuse.ts'
import { SniffRefusal, sniffRecorded } from './sniff.ts'
import type { Uploads } from './uploads.ts'
import { ask, checkAnswer, readUpload, type SealedUpload, toRefusal } from './verdict.ts'

/** Whether uploads wait for a verdict at their end. */
export function isGated({ onComplete, sniff, digests }: Uploads): boolean {
  return onComplete !== undefined || sniff !== undefined || digests.all
}

/**
 * Brings a sealed upload into the queue.
 *
 * @throws `ERR_REFUSED` with the verdict, `ERR_SERVER_ERROR` when a hook fails: then the next request,
 * or the janitor, asks again
 */
export async function complete(uploads: Uploads, sealed: StoredUpload): Promise<StoredUpload> {
  if (!sealed.notes.gated) return enqueue(uploads, sealed, {})
  const { storage } = uploads
  const letGo = await storage.hold?.(sealed.uploadId)
  let refusal: UploadRefusal | undefined
  try {
    // Another process may have been here first.
    const now = await storage.info(sealed.uploadId)
    const upload = { ...now, notes: { ...sealed.notes, ...now.notes } }
    const verdict = now.notes.refusal ?? (await judge(uploads, upload).catch(refusalOf))
    if (!('message' in verdict)) return await enqueue(uploads, upload, verdict)
    refusal = verdict
  } finally {
    await letGo?.()
  }
  await refuse(uploads, sealed.uploadId, refusal)
  throw toRefusal(refusal)
}

/** Moves an upload into the queue and tells whom it concerns. */
async function enqueue(
  uploads: Uploads,
  upload: StoredUpload,
  notes: UploadNotes,
): Promise<StoredUpload> {
  const { storage, queue, emit } = uploads
  const { uploadId } = upload
  const completed = { ...upload, notes: { ...upload.notes, ...notes }, state: 'completed' } as const
  try {
    // Several may look at once; only one of them has moved it.
    if (!(await storage.finalize(uploadId, queue.completedDir, notes))) return completed
  } catch (error) {
    await emit({ type: 'upload-failed', uploadId, error: error as Error })
    throw error
  }
  queue.notify(uploadId)
  await emit({ type: 'upload-completed', uploadInfo: toUploadInfo(upload) })
  return completed
}

/** Asks everybody who has a say. */
async function judge(
  uploads: Uploads,
  upload: StoredUpload,
): Promise<UploadRefusal | (UploadNotes & { readonly gated: false })> {
  const { onComplete, digests } = uploads
  const { uploadId, offset, notes } = upload
  await sniffRecorded(uploads, upload)
  const wanted = notes.digests ?? {}
  const found = await digests.digest(uploads, uploadId, { length: offset, wanted })
  const mismatch = compare(wanted, found)
  if (mismatch) return mismatch
  const sha256 = found.get('sha256')?.toString('hex')
  const headers = answerOf(wanted, found)
  const decided = {
    gated: false,
    ...(sha256 !== undefined && { sha256 }),
    ...(headers && { answer: { headers } }),
  } as const
  if (!onComplete) return decided
  const given: SealedUpload = {
    ...toUploadInfo(upload),
    serverMetadata: upload.serverMetadata,
    sha256,
    content: () => readUpload(uploads, uploadId, { end: offset }),
  }
  const verdict = await ask('onComplete', async () => checkAnswer((await onComplete(given)) ?? {}))
  if ('refusal' in verdict) return verdict.refusal
  const { said } = verdict
  const answer = { ...said, ...(headers && { headers: { ...headers, ...said.headers } }) }
  return { ...decided, ...(Object.keys(answer).length > 0 && { answer }) }
}

type Digests = ReadonlyMap<DigestAlgorithm, Buffer>

/** What the client has told of the whole upload has to be true of it. */
function compare({ told }: UploadDigests, found: Digests): UploadRefusal | undefined {
  if (!told || found.get(told.algorithm)?.toString('base64') === told.digest) return undefined
  const message = `the upload does not have the ${keyOf(told.algorithm)} that its Repr-Digest told`
  return { status: 400, message }
}

/** What the client wanted to be told. */
function answerOf(
  { wanted }: UploadDigests,
  found: Digests,
): Readonly<Record<string, string>> | undefined {
  const digest = wanted && found.get(wanted)?.toString('base64')
  if (!wanted || digest === undefined) return undefined
  return { 'Repr-Digest': formatDigest({ algorithm: wanted, digest }) }
}

function refusalOf(error: unknown): UploadRefusal {
  if (error instanceof SniffRefusal) return error.refusal
  throw error
}

/** A look at an upload whose verdict could not be had: it may not be called complete, nor lost. */
export function undecided(cause: unknown): UploadError {
  return new UploadError(
    'ERR_UPLOAD_LOCKED',
    'the upload is complete, but what has to happen before its answer has failed: ask again',
    { cause, retryAfterSeconds: 1 },
  )
}

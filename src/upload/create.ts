/** Upload creation, perhaps with the first bytes. @module */
import { UploadError } from '../errors.ts'
import type { Minima } from '../protocol/minima.ts'
import type { ContentTerms, CreateOperation } from '../protocol/operation.ts'
import type { StoredUpload } from '../store/upload.ts'
import { isPartial, type UploadNotes } from '../store/upload-notes.ts'
import { admit, type CreationQuestion, checkLength } from './admit-creation.ts'
import { complete, isGated } from './complete.ts'
import { toUploadInfo, type UploadCreatedEvent } from './events.ts'
import { paced } from './limits.ts'
import { isWaiting } from './look-up.ts'
import { leastOf } from './minima.ts'
import { ProgressReport } from './progress-report.ts'
import {
  type AppendContent,
  checkedBody,
  checkTerms,
  isOverrun,
  type Reception,
  receive,
  tell,
  wholeBody,
} from './receive.ts'
import { algorithmsOf } from './running-digests.ts'
import { end } from './terminate.ts'
import type { Uploads } from './uploads.ts'

/** What a client asks for. */
export interface Creation extends Omit<CreateOperation, 'type'>, CreationQuestion {
  readonly id: string
  readonly owner?: string | undefined
  readonly announcement?: Announcement | undefined
  readonly onOffset?: ((offset: number) => void) | undefined
}

/** Tells where an upload is, before its bytes are received. */
export interface Announcement {
  /** Whether the client hears of it at once, and not only from its answer. */
  readonly heard: boolean
  make(upload: StoredUpload): void
}

/**
 * Creates an upload and receives what comes with it; one of length 0 is complete at once.
 *
 * @throws `ERR_MAX_SIZE_EXCEEDED`, `ERR_MIN_SIZE_NOT_REACHED`, `ERR_INVALID_METADATA`, `ERR_REFUSED`,
 * `ERR_INSUFFICIENT_STORAGE`, `ERR_QUOTA_EXCEEDED`, and what an append throws; then nothing of the upload stays
 */
export async function create(
  uploads: Uploads,
  creation: Creation,
  content: AppendContent,
): Promise<StoredUpload> {
  const { id, length, metadata, content: terms } = creation
  const minima = minimaFor(uploads, creation)
  checkLength(length, uploads.maxSize, minima.size)
  const bytes = terms && checkFirst(uploads, length, terms, content)
  if (terms && !bytes) await checkNothing(uploads, length, terms, content)
  const { announcement, digests, complete: ends } = creation
  const contentLength = bytes?.contentLength
  const least = bytes && leastOf(minima, { length, complete: ends, contentLength })
  const admitted = admit(uploads, creation)
  const serverMetadata = admitted instanceof Promise ? await admitted : admitted
  const told = bytes && { contentLength, checksum: bytes.checksum, complete: ends, least }
  const atOnce = told && !announcement?.heard && !digests
  const whole = atOnce && (await wholeBody(uploads, told, content))
  const upload = await uploads.storage.create(
    {
      id,
      length,
      ...explicit(creation, bytes),
      metadata: metadata.values,
      uploadMetadata: metadata.echo,
      serverMetadata,
      notes: notesOf(uploads, creation, minima),
      ...(uploads.quota !== null && { quota: uploads.quota }),
    },
    whole || undefined,
  )
  if (digests) uploads.digests.begin(id, algorithmsOf(digests))
  const telling = uploads.emit(createdEvent(upload))
  if (telling) await telling
  if (whole) {
    const tellingEnd = tell(uploads, new ProgressReport(uploads, upload.uploadId, 0), upload)
    if (tellingEnd) await tellingEnd
    return upload
  }
  if (told) return receiveFirst(uploads, { upload, creation, terms: told }, content)
  announcement?.make(upload)
  if (upload.state !== 'sealed' || isPartial(upload.notes)) return upload
  return orNothing(uploads, { upload, creation }, () => complete(uploads, upload))
}

function createdEvent(upload: StoredUpload): UploadCreatedEvent {
  const { uploadId, length, metadata } = toUploadInfo(upload)
  return { type: 'upload-created', uploadId, length, metadata }
}

/** With bytes to come, or an end, the length alone completes nothing that was begun so. */
function explicit(
  { complete }: Creation,
  bytes: ContentTerms | undefined,
): { readonly complete?: false } {
  return complete === undefined || (complete && !bytes) ? {} : { complete: false }
}

/** A part is as small as it likes: the upload that is made of it is looked at. */
function minimaFor({ minima }: Uploads, { partial }: Creation): Minima {
  return partial === undefined ? minima : { ...minima, size: 0 }
}

function notesOf(uploads: Uploads, creation: Creation, minima: Minima): UploadNotes {
  const { expiry } = uploads
  const { owner, partial, length, digests } = creation
  const gated = !!digests || (length === 0 && !partial && isGated(uploads))
  return {
    ...(owner !== undefined && { owner }),
    ...(expiry && { expiry }),
    ...((minima.size > 0 || minima.chunkSize > 0) && { minima }),
    ...(partial && { concat: { field: partial } }),
    ...(gated && { gated }),
    ...(digests && { digests }),
  }
}

/** Refuses a body that cannot be right before anything is made; `undefined` where nothing can come. */
function checkFirst(
  uploads: Uploads,
  length: number | null,
  terms: ContentTerms,
  content: AppendContent,
): ContentTerms | undefined {
  checkTerms(uploads, terms, content)
  const { contentLength } = terms
  if (length === 0 || contentLength === 0) return undefined
  if ((contentLength ?? 0) > (length ?? Infinity)) throw tooLong(length)
  return terms
}

/** The body of such a creation has to be empty, and what its checksum says. */
async function checkNothing(
  uploads: Uploads,
  length: number | null,
  { checksum }: ContentTerms,
  content: AppendContent,
): Promise<void> {
  const { byteLength } = await paced(checkedBody(content, checksum, content), uploads).read()
  if (byteLength > 0) throw tooLong(length)
}

function tooLong(length: number | null): UploadError {
  return new UploadError(
    'ERR_UPLOAD_SIZE_EXCEEDED',
    `the body goes on beyond the upload's length of ${length} bytes`,
  )
}

/** After these the client can go on, once it knows where: the answer tells it. */
const RESUMABLE = new Set([
  'ERR_INSUFFICIENT_STORAGE',
  'ERR_READ_TIMEOUT',
  'ERR_SHUTTING_DOWN',
  'ERR_UPLOAD_INTERRUPTED',
])

interface Created {
  readonly upload: StoredUpload
  readonly creation: Creation
}

async function receiveFirst(
  uploads: Uploads,
  { upload, creation, terms }: Created & { readonly terms: Omit<Reception, 'id' | 'offset'> },
  content: AppendContent,
): Promise<StoredUpload> {
  const { uploadId: id } = upload
  const { announcement, onOffset } = creation
  const reception = { id, offset: 0, ...terms, ...(onOffset && { onOffset }) }
  let release: (() => void) | undefined
  try {
    announcement?.make(upload)
    return await orNothing(uploads, { upload, creation }, async () => {
      release = await uploads.holders.take(id, (reason) => content.stop(reason))
      return receive(uploads, reception, content)
    })
  } finally {
    release?.()
  }
}

/** Nobody knows the URL of an upload whose creation was refused or cut off: it does not stay. */
async function orNothing(
  uploads: Uploads,
  { upload: { uploadId: id }, creation }: Created,
  act: () => Promise<StoredUpload>,
): Promise<StoredUpload> {
  try {
    return await act()
  } catch (error) {
    if (staysKnown(creation, error)) throw error
    const code = error instanceof UploadError ? error.code : 'ERR_SERVER_ERROR'
    const kept = RESUMABLE.has(code) && (await uploads.storage.info(id))
    // Of all bytes without their verdict a client would think that it had come to its end.
    if (kept && !(isWaiting(kept) && kept.notes.gated)) return kept
    // One that was refused has gone already.
    if (code !== 'ERR_REFUSED') {
      await end(uploads, id).catch((failure) =>
        uploads.logger.error('an upload whose creation failed could not be removed', {
          id,
          failure,
        }),
      )
    }
    throw error
  }
}

/** The client knows the URL already, or learns it from the refusal. */
function staysKnown(creation: Creation, error: unknown): boolean {
  const { announcement } = creation
  const cut = error instanceof UploadError && error.code === 'ERR_CONNECTION_RESET'
  return !!announcement && (announcement.heard || !cut) && !isOverrun(error, creation)
}

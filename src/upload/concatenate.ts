/** Upload concatenation: one upload of others, at once or as soon as the last of them is complete. @module */
import { UploadError } from '../errors.ts'
import type { ConcatenateOperation } from '../protocol/operation.ts'
import type { StoredUpload } from '../store/upload.ts'
import { isPartial } from '../store/upload-notes.ts'
import { admit, type CreationQuestion, checkLength } from './admit-creation.ts'
import { assemble, isPending, isUnsettled } from './assemble.ts'
import { isGated } from './complete.ts'
import { toUploadInfo } from './events.ts'
import { finalId } from './final-id.ts'
import { find, glance } from './look-up.ts'
import type { Uploads } from './uploads.ts'

/** What a client asks for. */
export interface Concatenation
  extends Omit<ConcatenateOperation, 'type' | 'urls'>,
    CreationQuestion {
  readonly partIds: readonly string[]
  /** Whose it is to be, and whose the parts have to be. */
  readonly owner?: string
}

/** So many uploads of the same parts may have been terminated. */
const MAX_ATTEMPTS = 100

/**
 * Makes a final upload. Repeated, it is answered with the upload that the first request has made.
 *
 * @throws `ERR_INVALID_CONCAT`, `ERR_MAX_SIZE_EXCEEDED`, `ERR_MIN_SIZE_NOT_REACHED`, `ERR_INVALID_METADATA`,
 * `ERR_REFUSED`, `ERR_INSUFFICIENT_STORAGE`
 */
export async function concatenate(
  uploads: Uploads,
  concatenation: Concatenation,
): Promise<StoredUpload> {
  const { partIds, metadata, owner } = concatenation
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const id = finalId(partIds, metadata.echo, attempt)
    const known = await findOrEnd(uploads, id)
    if (known === 'ended') continue
    if (known) checkOwner(known, owner)
    const upload = known ?? (await create(uploads, id, concatenation))
    return isUnsettled(upload) ? assemble(uploads, id) : upload
  }
  throw new UploadError('ERR_INVALID_CONCAT', 'uploads of these parts have been ended too often')
}

/** One that was terminated leaves its place to another; one that was refused is so whenever it is asked for. */
async function findOrEnd(
  uploads: Uploads,
  id: string,
): Promise<StoredUpload | 'ended' | undefined> {
  try {
    return await find(uploads, id)
  } catch (error) {
    const code = error instanceof UploadError && error.code
    if (code === 'ERR_UPLOAD_NOT_FOUND') return undefined
    if (code === 'ERR_UPLOAD_GONE') return 'ended'
    throw error
  }
}

async function create(
  uploads: Uploads,
  id: string,
  concatenation: Concatenation,
): Promise<StoredUpload> {
  const { partIds, metadata, field, owner } = concatenation
  const { storage } = uploads
  const unique = [...new Set(partIds)]
  const found = await Promise.all(unique.map((partId) => findPart(uploads, partId)))
  for (const part of found) checkOwner(part, owner)
  const parts = new Map(found.map((part) => [part.uploadId, part]))
  const length = sumOf(partIds.map((partId) => parts.get(partId)?.length ?? null))
  const { maxSize, minima } = uploads
  checkLength(length, maxSize, minima.size)
  const bound = length === null && maxSize !== null && { maxSize }
  const reserving = reservingOf(uploads.quota, { length, partIds, found })
  const serverMetadata = await admit(uploads, concatenation)
  const upload = {
    id,
    length,
    metadata: metadata.values,
    uploadMetadata: metadata.echo,
    serverMetadata,
    notes: {
      concat: { field, parts: partIds, ...bound },
      ...(minima.size > 0 && { minima: { ...minima, chunkSize: 0 } }),
      ...(owner !== undefined && { owner }),
      ...(isGated(uploads) && { gated: true }),
    },
    ...reserving,
  }
  let created: StoredUpload
  try {
    created = await storage.create(upload)
  } catch (error) {
    // The same request has been faster, here or in another process.
    if (!(error instanceof UploadError) || error.code !== 'ERR_UPLOAD_EXISTS') throw error
    return find(uploads, id)
  }
  // Also those that are complete: another upload of them must not take them away.
  const unfinished = found.some(({ state }) => state === 'receiving')
  if (unfinished || uploads.quota !== null) await storage.concatenation?.want(id, unique)
  if (uploads.quota !== null) await checkAlone(uploads, id, unique)
  const { metadata: told } = toUploadInfo(created)
  await uploads.emit({ type: 'upload-created', uploadId: id, length, metadata: told })
  return created
}

/** What an upload is to have of its parts. */
interface Sizes {
  readonly length: number | null
  readonly partIds: readonly string[]
  readonly found: readonly StoredUpload[]
}

/**
 * Its parts have reserved their bytes once, and give them back when it is put together: what it repeats of
 * them is more.
 */
function reservingOf(
  quota: number | null,
  { length, partIds, found }: Sizes,
): { readonly quota?: number; readonly reserved?: number } {
  if (quota === null) return {}
  const once = sumOf(found.map((part) => part.length))
  if (length !== null && once !== null) return { quota, reserved: length - once }
  if (partIds.length === found.length) return { quota, reserved: 0 }
  throw new UploadError(
    'ERR_INVALID_CONCAT',
    'a part may stand in a final upload twice once its length is known',
  )
}

/** Several uploads of one part would be more than its owner has reserved. Of two at once none may stay. */
async function checkAlone(uploads: Uploads, id: string, parts: readonly string[]): Promise<void> {
  const { storage, queue } = uploads
  const { concatenation } = storage
  const waiting = await Promise.all(parts.map((part) => concatenation?.wantedBy(part) ?? []))
  const others = new Set(waiting.flat().filter((other) => other !== id))
  const live = await Promise.all([...others].map((other) => glance(uploads, other)))
  if (live.every((other) => other === undefined || !isPending(other))) return
  await storage.terminate(id, { completedDir: queue.completedDir, end: 'terminated' })
  await Promise.all(parts.map((part) => concatenation?.unwant(id, part)))
  throw new UploadError(
    'ERR_INVALID_CONCAT',
    'a part is waited for by another upload, and there is a quota',
  )
}

async function findPart({ storage }: Uploads, id: string): Promise<StoredUpload> {
  const part = await storage.info(id).catch((error: unknown) => {
    if (error instanceof UploadError && error.code === 'ERR_UPLOAD_NOT_FOUND') return undefined
    throw error
  })
  const expired = part?.expiresAt && part.expiresAt.getTime() <= Date.now()
  if (part && isPartial(part.notes) && !expired) return part
  throw new UploadError('ERR_INVALID_CONCAT', `${id} is not a partial upload of this server`)
}

/** @throws `ERR_REFUSED` */
function checkOwner({ uploadId, notes }: StoredUpload, owner: string | undefined): void {
  if (owner === undefined || notes.owner === owner) return
  throw new UploadError('ERR_REFUSED', `the upload ${uploadId} belongs to somebody else`)
}

function sumOf(lengths: readonly (number | null)[]): number | null {
  return lengths.reduce((sum, length) => (sum === null || length === null ? null : sum + length), 0)
}

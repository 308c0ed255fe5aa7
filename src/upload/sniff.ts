/** The validator of first bytes, asked while the rest of a body waits. @module */
import type { Batch, Content } from '../store/storage.ts'
import type { StoredUpload } from '../store/upload.ts'
import { isPartial, type UploadRefusal } from '../store/upload-notes.ts'
import { toUploadInfo } from './events.ts'
import type { Uploads } from './uploads.ts'
import { ask, readFirst, SNIFF_BYTES } from './verdict.ts'

/** Ends a body whose first bytes were refused. */
export class SniffRefusal extends Error {
  readonly refusal: UploadRefusal

  constructor(refusal: UploadRefusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** A body whose first bytes are looked at. */
export interface SniffedContent {
  readonly content: Content
  /** Whether the validator was asked, and had nothing against them. */
  passed(): boolean
}

/** Lets the bytes through up to where the validator can decide. `read` rejects with a {@link SniffRefusal}. */
export function sniffed(
  uploads: Uploads,
  { id, offset }: { readonly id: string; readonly offset: number },
  content: Content,
): SniffedContent {
  if (!uploads.sniff || offset >= SNIFF_BYTES) return { content, passed: () => false }
  let position = offset
  let step: 'gather' | 'look' | 'done' = 'gather'
  let passed = false
  const read = async (timeoutMs?: number): Promise<Batch> => {
    if (step === 'look') {
      step = 'done'
      passed = await sniffRecorded(uploads, await uploads.storage.info(id))
    }
    if (step === 'gather' && position >= SNIFF_BYTES) {
      step = 'look'
      // Nothing for the moment: the storage records what it has.
      return { pieces: [], byteLength: 0, last: false }
    }
    const batch = await content.read(timeoutMs)
    position += batch.byteLength
    return batch
  }
  return { content: { read }, passed: () => passed }
}

/**
 * Asks once the first bytes are recorded, unless it was asked before; says whether it was asked. Those of a
 * part are the first of nothing: the upload that is made of it is looked at.
 */
export async function sniffRecorded(uploads: Uploads, upload: StoredUpload): Promise<boolean> {
  if (!uploads.sniff || upload.notes.sniffed || isPartial(upload.notes)) return false
  const first = await readFirst(uploads, upload)
  if (first) await sniff(uploads, first, upload)
  return first !== undefined
}

/** @throws {@link SniffRefusal}, `ERR_SERVER_ERROR` */
async function sniff(uploads: Uploads, first: Uint8Array, upload: StoredUpload): Promise<void> {
  const verdict = await ask('sniff', () => uploads.sniff?.(first, toUploadInfo(upload)))
  if ('refusal' in verdict) throw new SniffRefusal(verdict.refusal)
}

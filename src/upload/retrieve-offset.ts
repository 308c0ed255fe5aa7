/** Offset retrieval. The client asks because its connection is gone: the old request ends first. @module */
import type { StoredUpload } from '../store/upload.ts'
import { lookUp } from './look-up.ts'
import type { Uploads } from './uploads.ts'

/** @throws `ERR_UPLOAD_NOT_FOUND`, `ERR_UPLOAD_LOCKED` */
export async function retrieveOffset(uploads: Uploads, id: string): Promise<StoredUpload> {
  await uploads.holders.interrupt(id)
  return lookUp(uploads, id)
}

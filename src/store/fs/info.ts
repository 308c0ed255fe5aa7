/** Looking without a lock: records are replaced whole, so a reader sees one or the other. @module */
import { existsSync } from 'node:fs'
import type { StoredUpload } from '../upload.ts'
import { notFound } from './finalize.ts'
import type { Io, Operation } from './io-call.ts'
import { dataPath, recordPath, tombstonePath } from './layout.ts'
import { readRecord } from './record-file.ts'
import { toStoredUpload } from './stored-upload.ts'

/** An upload that is not yet completed. A record whose data has moved on is none. */
export function* info(io: Io, { id }: { id: string }): Operation<StoredUpload> {
  const record = readRecord(recordPath(io.directory, id))
  if (record === undefined || !existsSync(dataPath(io.directory, id))) throw notFound()
  return toStoredUpload(id, record)
}

/** An upload that has left the storage: waiting, in a worker's hands, or acknowledged. */
export function* find(
  _io: Io,
  { id, completedDir }: { id: string; completedDir: string },
): Operation<StoredUpload | undefined> {
  const completed = readRecord(recordPath(completedDir, id))
  if (completed) return toStoredUpload(id, completed, 'completed')
  const tombstone = readRecord(tombstonePath(completedDir, id))
  return tombstone && toStoredUpload(id, tombstone, 'acknowledged')
}

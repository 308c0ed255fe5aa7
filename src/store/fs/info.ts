/**
 * Looking without a lock: records are replaced whole, so a reader sees one or the other. What it is
 * told is durable, whoever wrote it.
 *
 * @module
 */
import { closeSync, statSync } from 'node:fs'
import type { StoredUpload } from '../upload.ts'
import { notFound } from './finalize.ts'
import { type Busy, HELD, type Io, type Operation, openIfExists, settle } from './io-call.ts'
import { dataPath, recordPath, tombstonePath } from './layout.ts'
import { checkSize, readRecord } from './record-file.ts'
import { toStoredUpload } from './stored-upload.ts'

/** An upload that is not yet completed. A record whose data has moved on is none. */
export function* info(io: Io, { id }: { id: string }): Operation<StoredUpload> {
  const path = recordPath(io.directory, id)
  const record = readRecord(path)
  const data = statSync(dataPath(io.directory, id), { throwIfNoEntry: false })
  if (record === undefined || data === undefined) throw notFound()
  checkSize(data.size, record)
  yield* settle(io, io.directory, path)
  return toStoredUpload(id, record)
}

/** The same once no request of another process holds it. */
export function* settledInfo(io: Io, { id }: { id: string }): Operation<StoredUpload | Busy> {
  const fd = openIfExists(dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  try {
    if (io.posix.isMarked(fd)) return HELD
  } finally {
    closeSync(fd)
  }
  return yield* info(io, { id })
}

/** An upload that has left the storage: waiting, in a worker's hands, or acknowledged. */
export function* find(
  io: Io,
  { id, completedDir }: { id: string; completedDir: string },
): Operation<StoredUpload | undefined> {
  const completed = readRecord(recordPath(completedDir, id))
  if (completed) {
    // The rename of the data was the commit.
    yield* settle(io, completedDir, dataPath(completedDir, id))
    return toStoredUpload(id, completed, 'completed')
  }
  const tombstone = readRecord(tombstonePath(completedDir, id))
  return tombstone && toStoredUpload(id, tombstone, tombstone.ended ?? 'acknowledged')
}

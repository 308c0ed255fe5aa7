/**
 * Looking without a lock: records are replaced whole, so a reader sees one or the other. What it is
 * told is durable, whoever wrote it.
 *
 * @module
 */
import { closeSync, fstatSync, statSync } from 'node:fs'
import type { StoredUpload } from '../upload.ts'
import { parseRecord } from '../upload-record.ts'
import { notFound } from './finalize.ts'
import { type Busy, HELD, type Io, type Operation, openIfExists, settle } from './io-call.ts'
import { dataPath, recordPath, tombstonePath } from './layout.ts'
import { checkSize, readRecord, readRecordText } from './record-file.ts'
import { toStoredUpload } from './stored-upload.ts'

/**
 * A record as it stands on the disk, and the size of its data. It is read by whoever asked: a text crosses
 * threads for a fraction of what the objects in it cost.
 */
export interface UploadReading {
  readonly json: string
  readonly size: number
}

/** An upload that is not yet completed. One whose data has moved on is none. */
export function* info(io: Io, { id }: { id: string }): Operation<UploadReading> {
  const path = dataPath(io.directory, id)
  return yield* readSettled(io, id, () => statSync(path, { throwIfNoEntry: false })?.size)
}

/** The same once no request of another process holds it. */
export function* settledInfo(io: Io, { id }: { id: string }): Operation<UploadReading | Busy> {
  const fd = openIfExists(dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  try {
    if (io.posix.isMarked(fd)) return HELD
    return yield* readSettled(io, id, () => fstatSync(fd).size)
  } finally {
    closeSync(fd)
  }
}

function* readSettled(
  io: Io,
  id: string,
  sizeOf: () => number | undefined,
): Operation<UploadReading> {
  const path = recordPath(io.directory, id)
  const json = readRecordText(path)
  // After the record: what it tells of must be there by then.
  const size = sizeOf()
  if (json === undefined || size === undefined) throw notFound()
  yield* settle(io, io.directory, path)
  return { json, size }
}

/** @throws `ERR_CORRUPT_RECORD`, `ERR_RECORD_VERSION` */
export function toUpload(id: string, { json, size }: UploadReading): StoredUpload {
  const record = parseRecord(json)
  checkSize(size, record)
  return toStoredUpload(id, record)
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

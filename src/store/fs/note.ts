/** What the house asks of an upload between two requests: its bytes again, and to remember something. @module */
import { closeSync, readSync } from 'node:fs'
import type { UploadNotes } from '../upload-notes.ts'
import { notFound } from './finalize.ts'
import {
  type Busy,
  HELD,
  type Io,
  isBusy,
  lockFile,
  type Operation,
  openIfExists,
} from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'
import { readRecord, writeRecord } from './record-file.ts'

/** Shows that somebody holds the upload, as a request that writes does, until the descriptor is closed. */
export function* hold(io: Io, { id }: { readonly id: string }): Operation<{ fd: number } | Busy> {
  const fd = lockFile(io, dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  if (isBusy(fd)) return fd
  if (io.posix.isMarked(fd)) {
    closeSync(fd)
    return HELD
  }
  io.posix.mark(fd)
  io.posix.unlock(fd)
  return { fd }
}

/** Adds to the notes of an upload; its holder does. */
export function* note(
  io: Io,
  { id, notes }: { readonly id: string; readonly notes: UploadNotes },
): Operation<true | Busy> {
  const fd = lockFile(io, dataPath(io.directory, id))
  if (isBusy(fd)) return fd
  if (fd === undefined) throw notFound()
  try {
    const path = recordPath(io.directory, id)
    const record = readRecord(path)
    if (record === undefined) throw notFound()
    const noted = { ...record, notes: { ...record.notes, ...notes } }
    yield* writeRecord(io, io.directory, path, { record: noted })
    return true
  } finally {
    closeSync(fd)
  }
}

/** Recorded bytes only: what lies beyond the offset may be anything. */
export function* read(
  io: Io,
  { id, position, length }: { readonly id: string; position: number; length: number },
): Operation<Uint8Array> {
  const record = readRecord(recordPath(io.directory, id))
  const fd = openIfExists(dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  try {
    if (record === undefined) throw notFound()
    const bytes = new Uint8Array(Math.max(0, Math.min(length, record.offset - position)))
    let at = 0
    while (at < bytes.byteLength) {
      const got = readSync(fd, bytes, at, bytes.byteLength - at, position + at)
      if (got === 0) break
      at += got
    }
    return bytes.subarray(0, at)
  } finally {
    closeSync(fd)
  }
}

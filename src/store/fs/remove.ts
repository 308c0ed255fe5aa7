/** Removing an unfinished upload. @module */
import { closeSync, rmSync } from 'node:fs'
import { notFound } from './finalize.ts'
import {
  BUSY,
  type Busy,
  type Io,
  isBusy,
  lockFile,
  type Operation,
  syncDirectory,
} from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'

export function* remove(io: Io, { id }: { id: string }): Operation<true | Busy> {
  const fd = lockFile(io, dataPath(io.directory, id))
  if (fd === undefined) throw notFound()
  if (isBusy(fd)) return BUSY
  try {
    yield* removeLocked(io, id)
    return true
  } finally {
    closeSync(fd)
  }
}

/** Removes an upload whose lock the caller holds. The large file first: its space is free at once. */
export function* removeLocked(io: Io, id: string): Operation<void> {
  rmSync(dataPath(io.directory, id), { force: true })
  rmSync(recordPath(io.directory, id), { force: true })
  yield* syncDirectory(io, io.directory)
}

/** Removing the files of an unfinished upload. @module */
import { rmSync } from 'node:fs'
import { type Io, type Operation, syncDirectory } from './io-call.ts'
import { dataPath, recordPath } from './layout.ts'

/** Removes an upload whose lock the caller holds. The large file first: its space is free at once. */
export function* removeLocked(io: Io, id: string): Operation<void> {
  rmSync(dataPath(io.directory, id), { force: true })
  rmSync(recordPath(io.directory, id), { force: true })
  yield* syncDirectory(io, io.directory)
}

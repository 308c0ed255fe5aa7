/** Renaming in one step where Node has only two. @module */
import type { Io, Operation } from './io-call.ts'

/** Renames unless something is there; gives the code of the error otherwise. */
export function* renameNew(
  io: Io,
  { from, to }: { from: string; to: string },
): Operation<string | undefined> {
  return io.posix.renameNew(from, to)
}

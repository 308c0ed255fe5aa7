/** Directory listings in slices: a directory of a million entries is never held as a whole. @module */
import { opendir } from 'node:fs/promises'

const SLICE = 256

/** The names in `directory`, in slices. A directory that is not there is empty. */
export async function* readNames(directory: string): AsyncGenerator<string[], void, void> {
  let slice: string[] = []
  try {
    for await (const entry of await opendir(directory, { bufferSize: SLICE })) {
      slice.push(entry.name)
      if (slice.length < SLICE) continue
      yield slice
      slice = []
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (slice.length > 0) yield slice
}

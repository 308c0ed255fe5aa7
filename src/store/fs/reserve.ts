/** Space for the bytes that are to come. @module */
import { statfsSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { Io, OpenFile } from './io-call.ts'

export function freeSpace(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

/** Looks first, for a file system that cannot reserve only makes the file long. */
export function reserve(io: Io, { fd, size }: OpenFile, length: number): void {
  const free = freeSpace(io.directory)
  if (free < length - size) {
    throw new UploadError(
      'ERR_INSUFFICIENT_STORAGE',
      `${length} bytes are wanted, ${free} are free`,
    )
  }
  // The kernel takes nothing for an error.
  if (length > 0) io.posix.allocate(fd, length)
}

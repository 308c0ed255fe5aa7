/** Space for the bytes that are to come. @module */
import { statfsSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { Io, OpenFile } from './io-call.ts'

export function freeSpace(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

/**
 * From so many bytes on the kernel is not asked for what is not there: it would take all that is left from
 * everybody else before it says no. Where it cannot reserve, it only makes the file long, and says nothing.
 */
const LOOKED_FOR_BYTES = 2 ** 20

export function reserve(io: Io, { fd, size }: OpenFile, length: number): void {
  const free = length > LOOKED_FOR_BYTES ? freeSpace(io.directory) : undefined
  if (free !== undefined && free < length - size) {
    throw new UploadError(
      'ERR_INSUFFICIENT_STORAGE',
      `${length} bytes are wanted, ${free} are free`,
    )
  }
  // The kernel takes nothing for an error.
  if (length > 0) io.posix.allocate(fd, length)
}

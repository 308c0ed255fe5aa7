/** Space for the bytes that are to come. @module */
import { statfsSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { Io, OpenFile } from './io-call.ts'

export function freeSpace(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

/** @throws `ERR_INSUFFICIENT_STORAGE`; what the file system keeps for the system is not free */
export function checkSpace({ directory }: Pick<Io, 'directory'>, bytes: number): void {
  const free = freeSpace(directory)
  if (free >= bytes) return
  throw new UploadError('ERR_INSUFFICIENT_STORAGE', `${bytes} bytes are wanted, ${free} are free`)
}

/** Looks first, for a file system that cannot reserve only makes the file long. */
export function reserve(io: Io, { fd, size }: OpenFile, length: number): void {
  checkSpace(io, length - size)
  // The kernel takes nothing for an error.
  if (length > 0) io.posix.allocate(fd, length)
}

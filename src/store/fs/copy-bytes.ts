/** From one file to another. @module */
import { readSync, writeSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { Io } from './io-call.ts'

export interface CopyBytes {
  readonly from: number
  readonly start: number
  readonly to: number
  readonly position: number
  readonly length: number
}

const BUFFER_BYTES = 2 ** 20

/** In the kernel where it can, else through memory. */
export function copyBytes(io: Io, { from, start, to, position, length }: CopyBytes): void {
  for (let done = 0; done < length; ) {
    const left = length - done
    const range = { from, start: start + done, to, position: position + done, length: left }
    const copied = io.posix.copyRange(range) ?? copyThroughMemory(range)
    if (copied === 0)
      throw new UploadError('ERR_STORAGE', 'a part of an upload is shorter than it was')
    done += copied
  }
}

function copyThroughMemory({ from, start, to, position, length }: CopyBytes): number {
  const buffer = Buffer.allocUnsafe(Math.min(BUFFER_BYTES, length))
  const read = readSync(from, buffer, 0, buffer.length, start)
  for (let at = 0; at < read; ) at += writeSync(to, buffer, at, read - at, position + at)
  return read
}

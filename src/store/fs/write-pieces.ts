/** Writing the pieces of a body where they belong. @module */
import { writevSync } from 'node:fs'

export function byteLength(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
}

export function writeAll(fd: number, pieces: readonly Uint8Array[], position: number): void {
  let rest = [...pieces]
  let at = position
  while (rest.length > 0) {
    const written = writevSync(fd, rest, at)
    at += written
    rest = skip(rest, written)
  }
}

/** What is left of `pieces` after `written` bytes: a full disk may take only a part of a batch. */
export function skip(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let left = written
  const rest: Uint8Array[] = []
  for (const piece of pieces) {
    if (left >= piece.byteLength) left -= piece.byteLength
    else {
      rest.push(left > 0 ? piece.subarray(left) : piece)
      left = 0
    }
  }
  return rest
}

/**
 * Files as far as the kernel has them in memory (Linux 5.12): what would have to wait for a disk is left
 * alone. So the main thread can read them, whatever the disk does.
 *
 * @module
 */
import { closeSync, constants, readSync, statfsSync } from 'node:fs'
import { openCLibrary } from './c-library.ts'

/** Neither waits. */
export interface CachedFiles {
  /** Opens a file for reading; `undefined` where that would wait, or it cannot be. A link is no file. */
  open(path: string): number | undefined
  /** The text of a small file of so many bytes; `undefined` where that would wait, or it cannot be. */
  readText(fd: number, size: number): string | undefined
}

/** File systems whose files need nobody else once they are in memory, by `statfs` type. */
const EXT4 = 0xef53
const XFS = 0x58465342
const BTRFS = 0x9123683e
/** What lies there is in memory, and `RWF_NOWAIT` is not understood. */
const TMPFS = 0x01021994

const MAX_BYTES = 16_384

// The same number on every architecture, and no function of libc.
const SYS_OPENAT2 = 437
const AT_FDCWD = -100
const RESOLVE_CACHED = 0x20n
const O_CLOEXEC = 0o2000000
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOATIME } = constants
const RWF_NOWAIT = 8

/** `undefined` where the platform or the file system of `directory` has no such thing. */
export function cachedFiles(directory: string): CachedFiles | undefined {
  const type = process.platform === 'linux' ? statfsSync(directory).type : undefined
  const isMemory = type === TMPFS
  if (!isMemory && type !== EXT4 && type !== XFS && type !== BTRFS) return undefined
  try {
    // That it was read would have to be written.
    const open = loadOpen(O_RDONLY | O_NOATIME)
    const files = { open, readText: isMemory ? readMemory() : loadRead() }
    return isAllowed(directory) ? files : undefined
  } catch {
    return undefined
  }
}

/** The kernel may be older, or a filter may forbid the call. Of the directory somebody else may be the owner. */
function isAllowed(directory: string): boolean {
  const fd = loadOpen(O_RDONLY)(directory)
  if (fd !== undefined) closeSync(fd)
  return fd !== undefined
}

function loadOpen(flags: number): CachedFiles['open'] {
  const { libc } = openCLibrary()
  const openat2 = libc.func(
    'long syscall(long number, int directory, const char *path, const void *how, size_t size)',
  )
  // `struct open_how`
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), 0)
  how.writeBigUInt64LE(RESOLVE_CACHED, 16)
  return (path) => {
    const fd = Number(openat2(SYS_OPENAT2, AT_FDCWD, path, how, how.length))
    return fd < 0 ? undefined : fd
  }
}

function loadRead(): CachedFiles['readText'] {
  const { koffi, libc } = openCLibrary()
  const preadv2 = libc.func(
    'int64_t preadv2(int fd, const void *vector, int count, int64_t offset, int flags)',
  )
  // Memory of its own, for the kernel is told its address.
  const memory = koffi.alloc('uint8_t', MAX_BYTES)
  const bytes = Buffer.from(koffi.view(memory, MAX_BYTES))
  // `struct iovec`
  const vector = Buffer.alloc(16)
  vector.writeBigUInt64LE(koffi.address(memory), 0)
  vector.writeBigUInt64LE(BigInt(MAX_BYTES), 8)
  return (fd, size) => {
    if (size > MAX_BYTES) return undefined
    // It ends where the rest is not in memory.
    const read = Number(preadv2(fd, vector, 1, 0, RWF_NOWAIT))
    return read === size ? bytes.toString('utf8', 0, size) : undefined
  }
}

function readMemory(): CachedFiles['readText'] {
  const bytes = Buffer.alloc(MAX_BYTES)
  return (fd, size) => {
    if (size > MAX_BYTES || readSync(fd, bytes, 0, MAX_BYTES, 0) !== size) return undefined
    return bytes.toString('utf8', 0, size)
  }
}

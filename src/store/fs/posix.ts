/** The system calls that Node lacks, through koffi. @module */
import { ftruncateSync } from 'node:fs'
import { constants, release } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { UploadError } from '../../errors.ts'
import { type CLibrary, openCLibrary } from './c-library.ts'

/** Locks and reservations on open descriptors. Nothing here waits for another process. */
export interface Posix {
  /** Takes the exclusive `flock`; false when another descriptor holds one. */
  tryLock(fd: number): boolean
  unlock(fd: number): void
  /** Shows that a request holds the file, for as long as its descriptor is open. */
  mark(fd: number): void
  /** Whether a descriptor other than this one, in whatever process, has marked the file. */
  isMarked(fd: number): boolean
  /** Reserves `length` bytes and makes the file that long. */
  allocate(fd: number, length: number): void
  /** Renames unless `to` exists, in one step; gives the code of the error that kept it from that. */
  renameNew(from: string, to: string): string | undefined
  /**
   * Copies bytes from file to file and says how many; `undefined` where that cannot be done in the
   * kernel.
   */
  copyRange(range: CopyRange): number | undefined
  /** Syncs everything on the file system of `fd`; `undefined` where that would hide a failure. */
  readonly syncAll: ((fd: number) => void) | undefined
}

/** Bytes of one open file, and where they go in another. */
export interface CopyRange {
  readonly from: number
  readonly start: number
  readonly to: number
  readonly position: number
  readonly length: number
}

const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8

// Record locks of open file descriptions: they and `flock` do not see each other.
const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const F_WRLCK = 1
const F_UNLCK = 2

const AT_FDCWD = -100
const RENAME_NOREPLACE = 1

/** `struct flock` of 64-bit Linux: a write lock on the first byte. */
const WRITE_LOCK = Buffer.alloc(32)
WRITE_LOCK.writeInt16LE(F_WRLCK, 0)
WRITE_LOCK.writeBigInt64LE(1n, 16)

/** Without kernel calls: one process alone on its directories, no reservation of space. */
export const PORTABLE: Posix = {
  tryLock: () => true,
  unlock: () => undefined,
  mark: () => undefined,
  isMarked: () => false,
  allocate: (fd, length) => ftruncateSync(fd, length),
  renameNew: () => 'ENOSYS',
  copyRange: () => undefined,
  syncAll: undefined,
}

/** @throws `ERR_NATIVE_UNAVAILABLE` */
export function loadPosix(): Posix {
  const { flock, fallocate, fcntl, renameat2, copy_file_range, syncfs, errno } = loadCalls()
  const check = (syscall: string, result: number): number => {
    if (result === 0) return 0
    const number = errno()
    return number === constants.errno.EINTR ? -1 : fail(syscall, number)
  }
  // The kernel answers in the place of the question.
  const lock = Buffer.alloc(WRITE_LOCK.length)
  return {
    tryLock(fd) {
      while (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
        const number = errno()
        if (number === constants.errno.EWOULDBLOCK) return false
        if (number !== constants.errno.EINTR) fail('flock', number)
      }
      return true
    },
    unlock(fd) {
      while (check('flock', flock(fd, LOCK_UN)) !== 0);
    },
    mark(fd) {
      check('fcntl', fcntl(fd, F_OFD_SETLK, WRITE_LOCK))
    },
    isMarked(fd) {
      lock.set(WRITE_LOCK)
      check('fcntl', fcntl(fd, F_OFD_GETLK, lock))
      return lock.readInt16LE(0) !== F_UNLCK
    },
    allocate(fd, length) {
      try {
        // Not posix_fallocate: glibc emulates it by writing every block.
        while (check('fallocate', fallocate(fd, 0, 0, length)) !== 0);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EOPNOTSUPP') throw error
        ftruncateSync(fd, length)
      }
    },
    renameNew(from, to) {
      if (!renameat2) return 'ENOSYS'
      const result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)
      return result === 0 ? undefined : getSystemErrorName(-errno())
    },
    copyRange({ from, start, to, position, length }) {
      if (!copy_file_range) return undefined
      for (;;) {
        const result = copy_file_range(from, pointerTo(start), to, pointerTo(position), length, 0)
        if (result >= 0) return Number(result)
        const name = getSystemErrorName(-errno())
        if (NOT_IN_KERNEL.has(name)) return undefined
        if (name !== 'EINTR') fail('copy_file_range', errno())
      }
    },
    syncAll:
      syncfs &&
      ((fd) => {
        while (check('syncfs', syncfs(fd)) !== 0);
      }),
  }
}

/** Between these files, or at all, the kernel cannot. */
const NOT_IN_KERNEL = new Set(['ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EXDEV', 'EINVAL', 'EPERM'])

function pointerTo(offset: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64LE(BigInt(offset))
  return buffer
}

interface Calls {
  flock(fd: number, operation: number): number
  fcntl(fd: number, command: number, lock: Buffer): number
  fallocate(fd: number, mode: number, offset: number, length: number): number
  readonly renameat2: RenameAt2 | undefined
  readonly copy_file_range: CopyFileRange | undefined
  readonly syncfs: ((fd: number) => number) | undefined
  errno(): number
}

type CopyFileRange = (
  from: number,
  start: Buffer,
  to: number,
  position: Buffer,
  length: number,
  flags: number,
) => number | bigint
type RenameAt2 = (fromFd: number, from: string, toFd: number, to: string, flags: number) => number

function loadCalls(): Calls {
  try {
    const { koffi, libc } = openCLibrary()
    const fcntl = libc.func('int fcntl(int fd, int command, ...)')
    return {
      fcntl: (fd, command, lock) =>
        process.platform === 'linux' ? fcntl(fd, command, 'void *', lock) : unmarked(lock),
      flock: libc.func('int flock(int fd, int operation)'),
      fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      renameat2: optional<RenameAt2>(
        libc,
        'int renameat2(int fromFd, const char *from, int toFd, const char *to, unsigned int flags)',
      ),
      copy_file_range: optional<CopyFileRange>(
        libc,
        'int64_t copy_file_range(int from, void *start, int to, void *at, size_t length, unsigned int flags)',
      ),
      syncfs: tellsFailedSyncs() ? libc.func('int syncfs(int fd)') : undefined,
      errno: () => koffi.errno(),
    }
  } catch (cause) {
    throw new UploadError(
      'ERR_NATIVE_UNAVAILABLE',
      'flock and fallocate cannot be called here: koffi has no build for this platform, or the ' +
        'calls are missing; native: false works without them, with weaker promises',
      { cause },
    )
  }
}

/** Not every libc has it. */
function optional<T>(libc: CLibrary['libc'], prototype: string): T | undefined {
  try {
    return libc.func(prototype) as T
  } catch {
    return undefined
  }
}

/** Before Linux 5.8 `syncfs` does not tell of pages that could not be written. */
function tellsFailedSyncs(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return process.platform === 'linux' && (major > 5 || (major === 5 && minor >= 8))
}

/** Elsewhere nothing is marked: there, one process only. */
function unmarked(lock: Buffer): number {
  lock.writeInt16LE(F_UNLCK, 0)
  return 0
}

function fail(syscall: string, number: number): never {
  const code = getSystemErrorName(-number)
  throw Object.assign(new Error(`${code}: ${syscall}`), { code, syscall, errno: -number })
}

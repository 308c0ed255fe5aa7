/** What the two directories must be, checked once at construction. @module */

import { randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { UploadError } from '../../errors.ts'
import { DEAD, ENDED, QUOTA, STOP, TEMPORARY, WANTED } from './layout.ts'

const { R_OK, W_OK, X_OK } = constants

/** File systems on which `flock` or sync promise less, by `statfs` type. */
const REMOTE: Readonly<Record<number, string>> = {
  26985: 'NFS',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  1702057286: 'FUSE',
}

/** All of them from the start: an acknowledgement need not make one and sync what is above it. */
const SHARDS = Array.from({ length: 256 }, (_, i) => `${ENDED}/${i.toString(16).padStart(2, '0')}`)

/** Makes the storage directory ready and returns its real path. @throws `ERR_DIRECTORY` */
export function prepareUploads(directory: string, mode: number): string {
  return prepare(directory, mode, [TEMPORARY, STOP, QUOTA, WANTED])
}

/**
 * Makes the completed directory ready and returns its real path. It may lie below the storage
 * directory, not above it, and on the same file system, for a rename is what completes an upload.
 *
 * @throws `ERR_DIRECTORY`
 */
export function prepareCompleted(completedDir: string, directory: string, mode: number): string {
  const target = resolve(completedDir)
  if (contains(target, directory))
    refuse(target, `it is or contains the upload directory ${directory}`)
  const path = prepare(target, mode, [TEMPORARY, DEAD, ...SHARDS])
  if (contains(path, directory)) refuse(path, `it is or contains the upload directory ${directory}`)
  probeRename(directory, path)
  return path
}

/** The kind of a network or user-space file system, `undefined` for a local one. */
export function remoteFileSystem(directory: string): string | undefined {
  return REMOTE[statfsSync(directory).type]
}

function prepare(directory: string, mode: number, below: readonly string[]): string {
  const path = resolve(directory)
  try {
    makeDirectory(path, mode)
    accessSync(path, R_OK | W_OK | X_OK)
    const real = realpathSync(path)
    for (const name of below) mkdirSync(join(real, name), { recursive: true, mode })
    // What is acknowledged later is no safer than the entries of these.
    const made = new Set(below.map((name) => dirname(join(real, name))))
    for (const directory of [...made, dirname(real)]) syncDirectory(directory)
    return real
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why: Record<string, string> = {
      ENOENT: `its parent ${dirname(path)} does not exist`,
      ENOTDIR: 'it, or something above it, is not a directory',
      EACCES: 'it cannot be read, written and searched by this user',
      EPERM: 'it cannot be written by this user',
      EROFS: 'it lies on a read-only file system',
    }
    return refuse(path, why[code ?? ''] ?? `${code ?? cause}`, cause)
  }
}

/** Only the last level: a missing parent is more likely a typing error or a missing mount. */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Bind mounts and subvolumes share a device number and refuse the rename all the same. */
function probeRename(directory: string, completedDir: string): void {
  const name = randomUUID()
  const from = join(directory, TEMPORARY, name)
  const to = join(completedDir, TEMPORARY, name)
  try {
    writeFileSync(from, '')
    renameSync(from, to)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'EXDEV') refuse(completedDir, `a file cannot be moved there: ${code}`, cause)
    refuse(
      completedDir,
      `it is on another file system than ${directory}; both must be on one`,
      cause,
    )
  } finally {
    rmSync(from, { force: true })
    rmSync(to, { force: true })
  }
}

function contains(outer: string, inner: string): boolean {
  const path = relative(outer, inner)
  return path === '' || !(path === '..' || path.startsWith(`..${sep}`) || path.startsWith(sep))
}

function refuse(path: string, why: string, cause?: unknown): never {
  throw new UploadError('ERR_DIRECTORY', `the directory ${path} cannot be used: ${why}`, { cause })
}

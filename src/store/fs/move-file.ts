/** Moving a file out of our directories, also to another file system. @module */
import { copyFile, link, open, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { UploadError } from '../../errors.ts'
import type { SaveOptions } from '../completed-queue.ts'
import { toUploadError } from './io-call.ts'

/** How a file of ours becomes one of the application's. */
export interface PlaceOptions extends SaveOptions {
  /** Its name where the destination is a directory. */
  readonly name: string
  readonly fsync: boolean
}

/**
 * Moves `from` to `to`, or into `to` when that is a directory, and resolves with the new path. With
 * `fsync` the new file and its entry are durable before the old one goes.
 *
 * @throws `ERR_FILE_EXISTS`, `ERR_INSUFFICIENT_STORAGE`, `ERR_STORAGE`
 */
export function moveFile(from: string, to: string, options: PlaceOptions): Promise<string> {
  return placed(to, options.name, async (target) => {
    try {
      await place(from, target, options)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await copyTo(from, target, options)
      await unlink(from)
    }
    if (options.fsync) await syncPath(dirname(from))
  })
}

/** The same for a copy: `from` stays where it is. */
export function copyFileTo(from: string, to: string, options: PlaceOptions): Promise<string> {
  return placed(to, options.name, (target) => copyTo(from, target, options))
}

async function placed(
  to: string,
  name: string,
  put: (target: string) => Promise<void>,
): Promise<string> {
  try {
    const target = (await isDirectory(to)) ? join(resolve(to), name) : resolve(to)
    await put(target)
    return target
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UploadError('ERR_FILE_EXISTS', `${to} exists already`, { cause: error })
    }
    throw toUploadError(error)
  }
}

/** A link fails where something is in the way; a rename would replace it. */
async function place(from: string, target: string, options: PlaceOptions): Promise<void> {
  if (options.overwrite ?? true) await rename(from, target)
  else {
    await reserve(from, target)
  }
  if (options.fsync) await syncPath(dirname(target))
}

/** File systems without links, such as exFAT: a name is taken by an empty file first. */
async function reserve(from: string, target: string): Promise<void> {
  try {
    await link(from, target)
    await unlink(from)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['EPERM', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error
    await (await open(target, 'wx')).close()
    await rename(from, target)
  }
}

async function copyTo(from: string, target: string, options: PlaceOptions): Promise<void> {
  // By the upload's name, which its claim makes ours alone: what a crash leaves the next try takes.
  const temporary = join(dirname(target), `.tussi-${options.name}.tmp`)
  try {
    await copyFile(from, temporary)
    if (options.fsync) await syncPath(temporary)
    await place(temporary, target, options)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

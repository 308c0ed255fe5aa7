/** Moving a file out of our directories, also to another file system. @module */
import { copyFile, link, open, rename, rm, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { UploadError } from '../../errors.ts'
import type { SaveOptions } from '../completed-queue.ts'
import { toUploadError } from './io-call.ts'

/**
 * Moves `from` to `to`, or into `to` when that is a directory, and resolves with the new path. With
 * `fsync` the new file and its entry are durable before the old one goes.
 *
 * @throws `ERR_FILE_EXISTS`, `ERR_INSUFFICIENT_STORAGE`, `ERR_STORAGE`
 */
export async function moveFile(
  from: string,
  to: string,
  { overwrite = true, fsync }: SaveOptions & { readonly fsync: boolean },
): Promise<string> {
  try {
    const target = (await isDirectory(to)) ? join(resolve(to), basename(from)) : resolve(to)
    try {
      await place(from, target, overwrite)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await copyAcross(from, target, overwrite, fsync)
    }
    if (fsync) {
      await syncPath(dirname(target))
      await syncPath(dirname(from))
    }
    return target
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UploadError('ERR_FILE_EXISTS', `${to} exists already`, { cause: error })
    }
    throw toUploadError(error)
  }
}

/** A link fails where something is in the way; a rename would replace it. */
async function place(from: string, target: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(from, target)
  await link(from, target)
  await unlink(from)
}

async function copyAcross(
  from: string,
  target: string,
  overwrite: boolean,
  fsync: boolean,
): Promise<void> {
  const temporary = join(dirname(target), `.tussi-${basename(from)}.tmp`)
  try {
    await copyFile(from, temporary)
    if (fsync) await syncPath(temporary)
    await place(temporary, target, overwrite)
    if (fsync) await syncPath(dirname(target))
    await unlink(from)
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

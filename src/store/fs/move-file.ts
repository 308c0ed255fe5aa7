/** Moving a file out of our directories, also to another file system. @module */
import { constants } from 'node:fs'
import { copyFile, open, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { UploadError } from '../../errors.ts'
import { toUploadError } from './io-call.ts'
import {
  codeOf,
  identityOf,
  isSame,
  isSameFile,
  linkFile,
  type PlaceOptions,
  placeFile,
  refuseTaken,
} from './place-file.ts'

/** How a file of ours becomes one of the application's. */
export interface MoveOptions extends PlaceOptions {
  /** Its name where the destination is a directory. */
  readonly name: string
  readonly fsync: boolean
}

/**
 * Moves `from` to `to`, or into `to` when that is a directory, and resolves with the new path. With
 * `fsync` the new file and its entry are durable before the old one goes. When a crash has ended the
 * same move before, it is finished and not done again.
 *
 * @throws `ERR_FILE_EXISTS`, `ERR_INSUFFICIENT_STORAGE`, `ERR_STORAGE`
 */
export function moveFile(from: string, to: string, options: MoveOptions): Promise<string> {
  return placed(to, options.name, async (target) => {
    try {
      await moveWithin(from, target, options)
    } catch (error) {
      if (codeOf(error) !== 'EXDEV') throw error
      await moveCopy(from, target, options)
    }
  })
}

/** The same for a copy: `from` stays where it is. */
export function copyFileTo(from: string, to: string, options: MoveOptions): Promise<string> {
  return placed(to, options.name, async (target) => {
    const temporary = temporaryBeside(target, options)
    await refuseTaken(target, options)
    try {
      await copy(from, temporary, options)
      await placeFile(temporary, target, options)
    } finally {
      await rm(temporary, { force: true })
    }
    if (options.fsync) await syncPath(dirname(target))
  })
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
    if (codeOf(error) === 'EEXIST') {
      throw new UploadError('ERR_FILE_EXISTS', `${to} exists already`, { cause: error })
    }
    throw toUploadError(error)
  }
}

async function moveWithin(from: string, target: string, options: MoveOptions): Promise<void> {
  const file = await identityOf(from)
  await placeFile(from, target, options)
  if (!options.fsync) return
  try {
    await syncPath(dirname(target))
    await syncPath(dirname(from))
  } catch (error) {
    // What is not durable is not saved. It goes back, or nobody would be handed it again.
    if (isSame(file, await identityOf(target))) await rename(target, from).catch(() => undefined)
    throw error
  }
}

/**
 * Moves to another file system. The copy has a second name, the upload's own, until `from` is gone: by
 * that the next try sees that the target is no stranger's file.
 */
async function moveCopy(from: string, target: string, options: MoveOptions): Promise<void> {
  const temporary = temporaryBeside(target, options)
  if (!(await isSameFile(temporary, target))) {
    await refuseTaken(target, options)
    try {
      await copy(from, temporary, options)
      await placeCopy(temporary, target, options)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
  if (options.fsync) await syncPath(dirname(target))
  await unlink(from)
  // The file is safe; should `from` come back after a loss of power, its tombstone tells of it.
  if (options.fsync) await syncPath(dirname(from)).catch(() => undefined)
  await rm(temporary, { force: true })
}

async function placeCopy(temporary: string, target: string, options: MoveOptions): Promise<void> {
  const replaces = options.overwrite ?? true
  if (!replaces && (await linkFile(temporary, target))) return
  await placeFile(temporary, target, options)
}

/** By the upload's name, which its claim makes ours alone: what a crash leaves the next try takes. */
function temporaryBeside(target: string, { name }: MoveOptions): string {
  return join(dirname(target), `.tussi-${name}.tmp`)
}

/** Into a new file: the old one of that name may have been saved under another name as well. */
async function copy(from: string, temporary: string, { fsync }: MoveOptions): Promise<void> {
  await rm(temporary, { force: true })
  await copyFile(from, temporary, constants.COPYFILE_EXCL)
  if (fsync) await syncPath(temporary)
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
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

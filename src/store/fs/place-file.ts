/** Giving a file its name, and never one that another file has. @module */
import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import type { SaveOptions } from '../completed-queue.ts'

/** How a file gets its name. */
export interface PlaceOptions extends SaveOptions {
  /** Renames unless something is there, in one step; gives the code of the error otherwise. */
  readonly renameNew: (from: string, to: string) => Promise<string | undefined>
}

/** What tells one file from all others, whatever its name. */
export interface FileIdentity {
  readonly ino: bigint
  readonly dev: bigint
}

/** File systems without the one step, or a libc without it. */
const NO_RENAME = new Set(['EINVAL', 'ENOSYS', 'EOPNOTSUPP'])
/** File systems without links, such as exFAT. */
const NO_LINK = new Set(['EPERM', 'ENOSYS', 'EOPNOTSUPP'])

/** Renames `from`; where a crash has ended that halfway before, does the other half. */
export async function placeFile(
  from: string,
  target: string,
  options: PlaceOptions,
): Promise<void> {
  if (options.overwrite ?? true) return rename(from, target)
  const code = await options.renameNew(from, target)
  if (code === undefined) return
  if (NO_RENAME.has(code)) await linkAndUnlink(from, target)
  else if (code === 'EEXIST' && (await isSameFile(from, target))) await unlink(from)
  else throw failure(code)
}

/** Gives the file at `from` a second name; says whether the file system can. */
export async function linkFile(from: string, target: string): Promise<boolean> {
  try {
    await link(from, target)
    return true
  } catch (error) {
    if (NO_LINK.has(codeOf(error))) return false
    throw error
  }
}

/** Before a long copy, not after it. @throws `EEXIST` */
export async function refuseTaken(
  target: string,
  { overwrite = true }: SaveOptions,
): Promise<void> {
  if (!overwrite && (await identityOf(target))) throw failure('EEXIST')
}

export async function isSameFile(a: string, b: string): Promise<boolean> {
  return isSame(await identityOf(a), await identityOf(b))
}

export function isSame(one: FileIdentity | undefined, other: FileIdentity | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev
}

/** Of a symbolic link its own. */
export async function identityOf(path: string): Promise<FileIdentity | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

async function linkAndUnlink(from: string, target: string): Promise<void> {
  try {
    if (!(await linkFile(from, target))) return await reserve(from, target)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await isSameFile(from, target))) throw error
  }
  await unlink(from)
}

/** Neither the one step nor links: the name is taken by an empty file first. */
async function reserve(from: string, target: string): Promise<void> {
  await (await open(target, 'wx')).close()
  await rename(from, target)
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: rename`), { code, syscall: 'rename' })
}

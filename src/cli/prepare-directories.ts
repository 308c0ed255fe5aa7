/** Makes the directories of `tussi-server`, or says in one line what is in the way. @module */
import { constants } from 'node:fs'
import { access, mkdir, open, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { ServerArgs } from './server-args.ts'

/** Makes the directories that the flags name. */
export async function prepareDirectories(args: ServerArgs): Promise<void> {
  const { uploadDir, completedDir, destDir } = args
  for (const directory of [uploadDir, completedDir, destDir]) {
    await makeDirectories(resolve(directory)).catch((error) => refuse(directory, error))
    const { R_OK, W_OK, X_OK } = constants
    await access(directory, R_OK | W_OK | X_OK).catch((error) => refuse(directory, error))
  }
  const dest = await realpath(destDir)
  for (const directory of [uploadDir, completedDir]) {
    if ((await realpath(directory)) !== dest) continue
    throw new Error(`the directory ${destDir} cannot take saved files: uploads are kept there`)
  }
}

/** Not by `recursive`: where a file system takes no directories that never ends. */
async function makeDirectories(path: string): Promise<void> {
  try {
    await makeDirectory(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const known = await stat(path).catch(() => undefined)
    if (known?.isDirectory()) return
    const parent = dirname(path)
    if (code !== 'ENOENT' || (await stat(parent).catch(() => undefined))) throw error
    await makeDirectories(parent)
    await makeDirectory(path)
  }
}

/** Its entry is durable before anything in it is acknowledged. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path)
  const parent = await open(dirname(path))
  await parent.sync().finally(() => parent.close())
}

function refuse(directory: string, error: NodeJS.ErrnoException): never {
  const { code } = error
  const why: Record<string, string> = {
    EEXIST: 'it is a file',
    ENOTDIR: 'a file is in the way',
  }
  throw new Error(
    `the directory ${directory} cannot be made or written: ${why[code ?? ''] ?? code}`,
  )
}

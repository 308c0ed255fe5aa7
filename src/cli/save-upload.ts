/** Saves finished uploads under their names. @module */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CompletedUpload, UploadError } from '../index.ts'
import { identifiedName, numberedName, safeName } from './safe-name.ts'

const MAX_NUMBER = 100

/** Saves file and record side by side under the first name that is free for both. */
export async function saveUpload(upload: CompletedUpload, destDir: string): Promise<string> {
  const name = safeName(upload.record.metadata.filename, upload.name)
  for (let n = 0; n < MAX_NUMBER; n++) {
    const path = join(destDir, numberedName(name, n))
    if (await saveBoth(upload, path)) return path
  }
  // A name that a thousand phones use is not counted to its end.
  const path = join(destDir, identifiedName(name, upload.name))
  if (await saveBoth(upload, path)) return path
  throw new UploadError('ERR_FILE_EXISTS', `${path} is taken`)
}

async function saveBoth(upload: CompletedUpload, path: string): Promise<boolean> {
  // Of a directory `save` would make a place for it to lie in. A file may be this one: a save that a
  // crash has ended is finished by the same call.
  if ((await kindOf(path)) === 'directory' || (await kindOf(`${path}.meta`))) return false
  if (!(await saveAs(upload, path))) return false
  try {
    await upload.saveRecord(`${path}.meta`, { overwrite: false })
  } catch (error) {
    if (!isTaken(error)) throw error
    // Someone's file took the record's name in between; the record is kept under the id.
    await upload.saveRecord(join(dirname(path), `${upload.name}.meta`))
  }
  return true
}

async function saveAs(upload: CompletedUpload, path: string): Promise<boolean> {
  try {
    await upload.save(path, { overwrite: false })
    return true
  } catch (error) {
    if (isTaken(error)) return false
    throw error
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'ERR_FILE_EXISTS'
}

async function kindOf(path: string): Promise<'directory' | 'file' | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && (found.isDirectory() ? 'directory' : 'file')
}

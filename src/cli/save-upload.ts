/** Saves finished uploads under their names. @module */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CompletedUpload, UploadError } from '../index.ts'
import { numberedName, safeName } from './safe-name.ts'

/** Saves file and record side by side under the first name that is free for both. */
export async function saveUpload(upload: CompletedUpload, destDir: string): Promise<string> {
  const name = safeName(upload.record.metadata.filename, upload.name)
  for (let n = 0; ; n++) {
    const path = join(destDir, numberedName(name, n))
    if (await exists(`${path}.meta`)) continue
    if (!(await saveAs(upload, path))) continue
    try {
      await upload.saveRecord(`${path}.meta`, { overwrite: false })
    } catch (error) {
      if (!isTaken(error)) throw error
      // Someone's file took the record's name in between; the record is kept under the id.
      await upload.saveRecord(`${path}.${upload.name}.meta`)
    }
    return path
  }
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

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

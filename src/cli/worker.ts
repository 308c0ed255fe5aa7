/** What the server's workers do: save finished uploads under their names. @module */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type CompletedUpload, type Logger, type TusApp, UploadError } from '../index.ts'
import { numberedName, safeName } from './safe-name.ts'

/** After a failure, for a full disk does not empty itself within a millisecond. */
const RETRY_MS = 5000

/** Saves upload after upload until `signal` fires. */
export async function work(
  tus: TusApp,
  destDir: string,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await using upload = await tus.waitForFile({ signal })
      const path = await saveUpload(upload, destDir)
      logger.info('saved', { id: upload.name, path })
    } catch (error) {
      if (signal.aborted || (error as Error).name === 'TimeoutError') continue
      logger.error('an upload could not be saved and stays in the queue', { error })
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** Saves file and record side by side under the first name that is free for both. */
async function saveUpload(upload: CompletedUpload, destDir: string): Promise<string> {
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

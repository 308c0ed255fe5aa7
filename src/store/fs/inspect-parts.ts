/** Final uploads and their parts as the janitor sees them. @module */
import { existsSync, readdirSync } from 'node:fs'
import { UploadError } from '../../errors.ts'
import type { UploadNotes } from '../upload-notes.ts'
import type { RecordFields } from '../upload-record.ts'
import { recordPath, wantedPath } from './layout.ts'
import { readOrError, readRecord } from './record-file.ts'

/** The records of the parts of a final upload. */
export function readParts(
  directory: string,
  { concat }: UploadNotes,
): (RecordFields | undefined)[] | undefined {
  return concat?.parts?.map((part) => {
    const record = readOrError(() => readRecord(recordPath(directory, part)))
    return record instanceof UploadError ? undefined : record
  })
}

/** Whether there is a final upload that waits for the part. */
export function isWanted(directory: string, part: string): boolean {
  const folder = wantedPath(directory, part)
  return (
    existsSync(folder) && readdirSync(folder).some((id) => existsSync(recordPath(directory, id)))
  )
}

/** Record files: read whole, replaced atomically, never written in place. @module */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { UploadError } from '../../errors.ts'
import { formatRecord, parseRecord, type RecordFields } from '../upload-record.ts'
import { type Barrier, dataOf, type Io, type Operation, sync, syncDirectory } from './io-call.ts'
import { TEMPORARY } from './layout.ts'

/** An object, because Node would make one of a text, each time with a hidden class of its own. */
const TEXT = { encoding: 'utf8', flag: 'r' } as const

/** The record at `path`, or `undefined` where none is. @throws `ERR_CORRUPT_RECORD` */
export function readRecord(path: string): RecordFields | undefined {
  const json = readRecordText(path)
  return json === undefined ? undefined : parseRecord(json)
}

/** The same, not parsed. */
export function readRecordText(path: string): string | undefined {
  try {
    return readFileSync(path, TEXT)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** What `read` finds wrong is its result. */
export function readOrError(
  read: () => RecordFields | undefined,
): RecordFields | UploadError | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof UploadError) return error
    throw error
  }
}

/**
 * Acknowledged bytes are missing only when something else has touched the file: what lies there now
 * is not the upload any more. @throws `ERR_CORRUPT_RECORD`
 */
export function checkSize(size: number, { offset }: RecordFields): void {
  if (size >= offset) return
  throw new UploadError(
    'ERR_CORRUPT_RECORD',
    `the data file has ${size} bytes, fewer than the ${offset} of its record`,
  )
}

/** What becomes the content of a file. */
export interface Replacement {
  readonly text: string
  /** Of what it tells, to be durable before it is seen. */
  readonly first?: readonly Barrier[]
}

/**
 * Writes `text` to `root`'s temporary files, syncs it and renames it to `path`. The entry is
 * durable only after a sync of the directory, which is the caller's: it may have more to sync.
 */
export function* replaceFile(
  io: Io,
  root: string,
  path: string,
  { text, first = [] }: Replacement,
): Operation<void> {
  const temporary = `${root}/${TEMPORARY}/${io.temporaryName()}`
  const fd = openSync(temporary, 'wx')
  try {
    try {
      writeText(fd, text)
      yield* sync(io, [...first, dataOf(fd)])
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch (error) {
    removeFile(temporary)
    throw error
  }
}

/** A full disk may take only a part. */
function writeText(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

/** Removes the file at `path`, if there is one. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** A record, and what it tells of. */
export interface Recording {
  readonly record: RecordFields
  /** To be durable before the record is seen. */
  readonly first?: readonly Barrier[]
}

/** Writes a record so that its promise can be given: content and entry are durable. */
export function* writeRecord(
  io: Io,
  root: string,
  path: string,
  { record, first = [] }: Recording,
): Operation<RecordFields> {
  yield* replaceFile(io, root, path, { text: formatRecord(record), first })
  yield* syncDirectory(io, dirname(path))
  return record
}

/** Makes `directory` exist, its entry durable; its parent exists. */
export function* ensureDirectory(io: Io, directory: string): Operation<void> {
  try {
    mkdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw error
  }
  yield* syncDirectory(io, dirname(directory))
}

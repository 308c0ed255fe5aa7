/**
 * What the janitor sees: names are classified in the I/O thread, many in one call, and looked at
 * again under the lock before anything is removed.
 *
 * @module
 */
import { closeSync, existsSync, renameSync, rmSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UploadError } from '../../errors.ts'
import type { StoredEntry } from '../storage.ts'
import { expiresAtMs, isForQueue, isPartial } from '../upload-notes.ts'
import { bury, type CompletedUploadPlace, readCompleted, removeCompleted } from './claim.ts'
import { isWanted, readParts } from './inspect-parts.ts'
import { type Io, isBusy, lockFile, type Operation, syncDirectory } from './io-call.ts'
import { dataPath, parseName, recordPath, tombstonePath } from './layout.ts'
import { isQuotaStale, releaseQuota, sweepQuota } from './quota.ts'
import { checkSize, readOrError, readRecord } from './record-file.ts'
import { removeLocked } from './remove.ts'
import { remember } from './terminate.ts'

type Area = 'uploads' | 'completed' | 'tombstone' | 'dead' | 'temporary' | 'wanted' | 'quota'

export interface InspectArgs {
  readonly area: Area
  readonly directory: string
  readonly names: readonly string[]
}

/** Classifies `names` of one directory; a name that is gone or not ours is left out. */
export function* inspect(
  io: Io,
  { area, directory, names }: InspectArgs,
): Operation<StoredEntry[]> {
  const entries: StoredEntry[] = []
  for (const name of names) {
    const entry = inspectName(io, { area, directory }, name)
    if (entry) entries.push(entry)
  }
  return entries
}
/** What cannot be looked at is reported, and hides nothing else. */
function inspectName(
  io: Io,
  { area, directory }: Omit<InspectArgs, 'names'>,
  name: string,
): StoredEntry | undefined {
  const path = join(directory, name)
  try {
    if (area === 'uploads') return inspectUpload(directory, name)
    if (area === 'completed') return inspectCompleted(io, directory, name)
    if (area === 'quota' && !isQuotaStale(io, name)) return undefined
    if (area !== 'wanted') return plainEntry(area, path, name)
    // Somebody waits for as long as the part is there.
    return existsSync(dataPath(io.directory, name))
      ? undefined
      : plainEntry('temporary', path, name)
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    return { ...entryOf('corrupt-upload', name, path, Date.now()), reason: code }
  }
}

/** Removes an entry if it is what it was and nobody holds it; says whether it did. */
export function* discard(
  io: Io,
  { entry, completedDir }: { entry: StoredEntry; completedDir: string },
): Operation<boolean> {
  const { kind, id, path } = entry
  if (kind === 'tombstone') return yield* discardTombstone(io, { id, completedDir }, path)
  if (kind === 'quota') return sweepQuota(io, path)
  if (kind === 'dead' || kind === 'temporary') {
    rmSync(path, { recursive: true, force: true })
    return true
  }
  if (kind === 'orphaned-record' || kind === 'completed-orphaned-record') {
    const directory = kind === 'orphaned-record' ? io.directory : completedDir
    if (existsSync(dataPath(directory, id)) || !isUnchanged(io, entry, completedDir)) return false
    if (kind === 'completed-orphaned-record') yield* rememberSaved(io, { id, completedDir }, path)
    rmSync(path, { force: true })
    yield* syncDirectory(io, directory)
    return true
  }
  const fd = lockFile(io, path)
  if (fd === undefined || isBusy(fd)) return false
  try {
    if (!isUnchanged(io, entry, completedDir)) return false
    if (kind === 'completed') yield* removeCompleted(io, { id, completedDir })
    else if (kind === 'upload' || kind === 'unrecorded-data') {
      if (io.posix.isMarked(fd)) return false
      const record = readRecord(recordPath(io.directory, id))
      // A finalize that a crash ended has left its first half: alone it would look like an upload.
      rmSync(recordPath(completedDir, id), { force: true })
      yield* removeLocked(io, id)
      const end = entry.refused ? 'refused' : 'expired'
      if (record) releaseQuota(io, id, record)
      if (record) yield* remember(io, { id, completedDir, end, notes: {} }, record)
    } else return false
    return true
  } finally {
    closeSync(fd)
  }
}

/** Its file was saved, and a crash came before the tombstone: a client may still ask for it. */
function* rememberSaved(
  io: Io,
  { id, completedDir }: CompletedUploadPlace,
  path: string,
): Operation<void> {
  const tombstone = tombstonePath(completedDir, id)
  const record = readOrError(() => readRecord(path))
  if (record === undefined || record instanceof UploadError || existsSync(tombstone)) return
  renameSync(path, tombstone)
  yield* syncDirectory(io, dirname(tombstone))
}

/** A crash may have left what it remembers: that goes first, or it would be handed out again. */
function* discardTombstone(io: Io, place: CompletedUploadPlace, path: string): Operation<boolean> {
  const fd = lockFile(io, dataPath(place.completedDir, place.id))
  if (isBusy(fd)) return false
  try {
    if (fd !== undefined) yield* removeCompleted(io, place)
    rmSync(path, { force: true })
    return true
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Moves a damaged completed upload to `dead/`, unless somebody holds it. */
export function* buryEntry(
  io: Io,
  { entry, completedDir, reason }: { entry: StoredEntry; completedDir: string; reason: string },
): Operation<boolean> {
  const fd = lockFile(io, dataPath(completedDir, entry.id))
  if (fd === undefined || isBusy(fd)) return false
  try {
    if (!isUnchanged(io, entry, completedDir)) return false
    yield* bury(io, { id: entry.id, completedDir }, reason)
    return true
  } finally {
    closeSync(fd)
  }
}

function isUnchanged(io: Io, entry: StoredEntry, completedDir: string): boolean {
  const record = entry.kind.endsWith('orphaned-record')
  const name = record ? `${entry.id}.meta` : entry.id
  const now = entry.kind.startsWith('completed')
    ? inspectCompleted(io, completedDir, name)
    : inspectUpload(io.directory, name)
  return now?.kind === entry.kind && now.lastActivityMs === entry.lastActivityMs
}

function inspectUpload(directory: string, name: string): StoredEntry | undefined {
  const found = parseName(name)
  if (!found) return undefined
  const { id } = found
  const data = stat(dataPath(directory, id))
  if (found.kind === 'record') {
    const path = recordPath(directory, id)
    return data ? undefined : plainEntry('orphaned-record', path, id)
  }
  if (!data?.isFile()) return undefined
  const path = dataPath(directory, id)
  const record = readOrError(() => {
    const found = readRecord(recordPath(directory, id))
    if (found) checkSize(data.size, found)
    return found
  })
  if (record === undefined) return plainEntry('unrecorded-data', path, id)
  if (record instanceof UploadError) {
    return { ...entryOf('corrupt-upload', id, path, data.mtimeMs), reason: record.message }
  }
  const { notes, complete, lastWrite } = record
  const expires = expiresAtMs(record)
  const parts = complete ? undefined : readParts(directory, notes)
  // A final upload is as young as the youngest of its parts.
  const youngest = Math.max(lastWrite, ...(parts ?? []).map((part) => part?.lastWrite ?? 0))
  // A part that is waited for goes with whoever waits, not before.
  const waited = complete && isPartial(notes) && isWanted(directory, id)
  const active = waited ? Date.now() / 1000 : youngest
  return {
    ...entryOf('upload', id, path, active * 1000),
    ...(parts?.every((part) => part?.complete) && { assemblable: true }),
    complete: complete && isForQueue(notes),
    ...(expires !== null && { expiresAtMs: expires }),
    ...(notes.gated && complete && { gated: true }),
    ...(notes.refusal && { refused: true }),
  }
}

function inspectCompleted(io: Io, directory: string, name: string): StoredEntry | undefined {
  const found = parseName(name)
  if (!found) return undefined
  const { id } = found
  const data = stat(dataPath(directory, id))
  if (found.kind === 'record') {
    // A record whose data is still in the storage is the first half of a finalize.
    if (data || existsSync(dataPath(io.directory, id))) return undefined
    return plainEntry('completed-orphaned-record', recordPath(directory, id), id)
  }
  if (!data?.isFile()) return undefined
  const path = dataPath(directory, id)
  const record = readCompleted({ id, completedDir: directory }, data.size)
  if (!(record instanceof UploadError)) {
    return entryOf('completed', id, path, record.finishedAt?.getTime() ?? data.mtimeMs)
  }
  if (record.code !== 'ERR_CORRUPT_RECORD') return undefined
  return { ...entryOf('completed-corrupt', id, path, data.mtimeMs), reason: record.message }
}

function plainEntry(kind: StoredEntry['kind'], path: string, id: string): StoredEntry | undefined {
  const stats = stat(path)
  return stats && entryOf(kind, id, path, stats.mtimeMs)
}

function entryOf(kind: StoredEntry['kind'], id: string, path: string, ms: number): StoredEntry {
  return { kind, id, path, lastActivityMs: ms, complete: false }
}

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

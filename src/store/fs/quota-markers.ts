/**
 * What the uploads of one owner reserve, on the disk: a directory with an empty file `{id}.{bytes}` for
 * each of them. A marker whose upload has left the storage counts for nothing.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Io, isBusy, isStillAt, lockFile } from './io-call.ts'
import { dataPath, QUOTA, recordPath } from './layout.ts'

export interface Marker {
  readonly id: string
  readonly bytes: number
  readonly name: string
}

const MARKER = /^([0-9a-f-]{36})\.(\d+)$/

/** Owners are texts of any kind. */
export function quotaDirectory(io: Io, owner: string): string {
  const name = createHash('sha256').update(owner).digest('hex').slice(0, 32)
  return join(io.directory, QUOTA, name)
}

/** Opens and locks the directory of an owner; `undefined` when somebody else has it, or removed it. */
export function lockOwner(io: Io, directory: string): number | undefined {
  const fd = ifThere(() => openSync(directory, 'r'))
  if (fd === undefined) return undefined
  if (io.posix.tryLock(fd) && isStillAt(fd, directory)) return fd
  closeSync(fd)
  return undefined
}

export function listMarkers(directory: string): Marker[] {
  const markers: Marker[] = []
  for (const name of ifThere(() => readdirSync(directory)) ?? []) {
    const [, id, bytes] = MARKER.exec(name) ?? []
    if (id !== undefined) markers.push({ id, name, bytes: Number(bytes) })
  }
  return markers
}

export function dropMarker(directory: string, name: string): void {
  rmSync(join(directory, name), { force: true })
}

/** Removes the markers of what is gone and returns the others; for whoever has locked the owner. */
export function dropStale(io: Io, directory: string): Marker[] {
  return listMarkers(directory).filter(({ id, name }) => {
    const live = isLive(io, id)
    if (!live) dropMarker(directory, name)
    return live
  })
}

/** An upload that has data and a record. Without a record it is one only while somebody makes it. */
export function isLive(io: Io, id: string): boolean {
  const path = dataPath(io.directory, id)
  if (existsSync(recordPath(io.directory, id))) return existsSync(path)
  const fd = lockFile(io, path)
  if (typeof fd === 'number') closeSync(fd)
  return isBusy(fd)
}

function ifThere<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Quotas across processes: whoever counts holds a lock on what the owner has reserved. @module */
import { closeSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkQuota, type QuotaRequest } from '../quota.ts'
import type { RecordFields } from '../upload-record.ts'
import { BUSY, type Busy, type Io, isBusy, type Operation, syncDirectory } from './io-call.ts'
import { QUOTA } from './layout.ts'
import {
  dropMarker,
  dropStale,
  isLive,
  listMarkers,
  lockOwner,
  type Marker,
  quotaDirectory,
} from './quota-markers.ts'

/** What an upload wants of its owner's quota. */
export interface QuotaClaim extends QuotaRequest {
  readonly id: string
  readonly owner: string
  /** So much more is taken if it is there, to ask less often. */
  readonly ahead?: number
}

/** What it got. */
export interface QuotaGrant {
  readonly reserved: number
  /** Directories whose entries have to be durable before an answer. */
  readonly unsynced: readonly string[]
}

/**
 * Counts and reserves. `make` is run in between, under the lock, so that nobody takes the marker of an
 * upload that is being made for one whose upload is gone.
 *
 * @throws `ERR_QUOTA_EXCEEDED`, and what `make` throws; then nothing is reserved
 */
export function claimQuota(io: Io, claim: QuotaClaim, make?: () => void): QuotaGrant | Busy {
  const { id, bytes, limit, ahead = 0 } = claim
  const directory = quotaDirectory(io, claim.owner)
  const fresh = !existsSync(directory)
  if (fresh) mkdirSync(directory, { recursive: true })
  const fd = lockOwner(io, directory)
  if (fd === undefined) return BUSY
  try {
    const markers = listMarkers(directory)
    let others = sumOthers(markers, id)
    if (others + bytes > limit) others = sumOthers(dropStale(io, directory), id)
    checkQuota(claim, others)
    make?.()
    const reserved = Math.min(bytes + ahead, limit - others)
    const name = `${id}.${reserved}`
    writeFileSync(join(directory, name), '')
    for (const old of markers)
      if (old.id === id && old.name !== name) dropMarker(directory, old.name)
    return { reserved, unsynced: fresh ? [dirname(directory), directory] : [directory] }
  } finally {
    closeSync(fd)
  }
}

/** A crash may have left two markers of one upload: the larger counts. */
function sumOthers(markers: readonly Marker[], own: string): number {
  const largest = new Map<string, number>()
  for (const { id, bytes } of markers) {
    if (id !== own) largest.set(id, Math.max(bytes, largest.get(id) ?? 0))
  }
  return [...largest.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** Makes a grant durable. */
export function* settleQuota(io: Io, { unsynced }: QuotaGrant): Operation<void> {
  yield* syncDirectory(io, ...unsynced)
}

/** For an upload that grows while its body comes in; resolves with what is reserved then. */
export function* growQuota(io: Io, claim: QuotaClaim): Operation<number | Busy> {
  const grant = claimQuota(io, claim)
  if (isBusy(grant)) return grant
  yield* settleQuota(io, grant)
  return grant.reserved
}

/** What an upload has reserved that leaves the storage: free at once, not only when it is wanted. */
export function releaseQuota(io: Io, id: string, { notes, length }: RecordFields): void {
  if (notes.owner === undefined) return
  const directory = quotaDirectory(io, notes.owner)
  if (!existsSync(directory)) return
  const usual = `${id}.${length}`
  // While its length was not known it may have reserved more.
  const found = existsSync(join(directory, usual)) ? [{ id, name: usual }] : listMarkers(directory)
  for (const marker of found) if (marker.id === id) dropMarker(directory, marker.name)
}

/** Whether the directory of an owner, by its name, holds what nobody needs. */
export function isQuotaStale(io: Io, name: string): boolean {
  const markers = listMarkers(join(io.directory, QUOTA, name))
  return markers.length === 0 || markers.some(({ id }) => !isLive(io, id))
}

/** Removes what nobody needs; says whether it could. */
export function sweepQuota(io: Io, directory: string): boolean {
  const fd = lockOwner(io, directory)
  if (fd === undefined) return false
  try {
    if (dropStale(io, directory).length === 0) rmdirSync(directory)
    return true
  } finally {
    closeSync(fd)
  }
}

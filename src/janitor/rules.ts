/** What to do with what lies about: a pure function of entry, time and policy. @module */
import type { StoredEntry } from '../store/storage.ts'

/** How old things may get, in milliseconds. */
export interface JanitorPolicy {
  readonly staleUploadAgeMs: number
  readonly completedFileAgeMs: number
  readonly completedVisibleMs: number
  readonly zombies: 'finalize' | 'delete'
}

export type JanitorAction =
  | 'keep'
  | 'finalize'
  | 'complete'
  | 'assemble'
  | 'discard'
  | 'bury'
  | 'report'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Between two steps of a finalize or an acknowledgement a record may stand alone for a moment. */
const ORPHAN_GRACE_MS = MINUTE
const TEMPORARY_AGE_MS = HOUR
const DEAD_AGE_MS = 30 * DAY

export function decide(entry: StoredEntry, nowMs: number, policy: JanitorPolicy): JanitorAction {
  // A time in the future counts as now.
  const age = Math.max(0, nowMs - entry.lastActivityMs)
  const discardAfter = (limit: number): JanitorAction => (age > limit ? 'discard' : 'keep')
  switch (entry.kind) {
    case 'upload':
      if (entry.refused) return 'discard'
      if (entry.gated) return 'complete'
      if (entry.assemblable) return 'assemble'
      if (entry.complete) return policy.zombies === 'finalize' ? 'finalize' : 'discard'
      // What clients were told counts, shorter or longer.
      if (entry.expiresAtMs !== undefined) return nowMs >= entry.expiresAtMs ? 'discard' : 'keep'
      return discardAfter(policy.staleUploadAgeMs)
    case 'unrecorded-data':
      return discardAfter(policy.staleUploadAgeMs)
    case 'orphaned-record':
    case 'completed-orphaned-record':
      return discardAfter(ORPHAN_GRACE_MS)
    case 'quota':
      return 'discard'
    case 'corrupt-upload':
      return 'report'
    case 'completed':
      return discardAfter(policy.completedFileAgeMs)
    case 'completed-corrupt':
      return age > ORPHAN_GRACE_MS ? 'bury' : 'keep'
    case 'tombstone':
      return discardAfter(policy.completedVisibleMs)
    case 'dead':
      return discardAfter(DEAD_AGE_MS)
    case 'temporary':
      return discardAfter(TEMPORARY_AGE_MS)
  }
}

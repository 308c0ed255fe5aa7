/**
 * Where things lie. Directly in the two directories lie only `{uuid}` and `{uuid}.meta`; what is
 * ours alone lies in `.tussi/` below them, on the same file system.
 *
 * @module
 */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const RECORD_SUFFIX = '.meta'

/** Temporary files, renamed into place or removed. */
export const TEMPORARY = '.tussi/tmp'
/** Requests to other processes to let an upload go, named after it and who asks. */
export const STOP = '.tussi/stop'
/** Final uploads that wait, each below the part that it waits for. */
export const WANTED = '.tussi/wanted'
/** What unfinished uploads reserve, below a directory for each owner. */
export const QUOTA = '.tussi/quota'
/** Tombstones of acknowledged uploads, below the completed directory, sharded by two hex digits. */
export const ENDED = '.tussi/ended'
/** Damaged completed uploads with their reasons, below the completed directory. */
export const DEAD = '.tussi/dead'

export function dataPath(directory: string, id: string): string {
  return `${directory}/${id}`
}

export function recordPath(directory: string, id: string): string {
  return `${directory}/${id}${RECORD_SUFFIX}`
}

export function tombstonePath(completedDir: string, id: string): string {
  return `${completedDir}/${ENDED}/${id.slice(0, 2)}/${id}`
}

export function wantedPath(directory: string, part: string): string {
  return `${directory}/${WANTED}/${part}`
}

/** What a name directly in one of the two directories stands for; other names are not ours. */
export function parseName(name: string): { id: string; kind: 'data' | 'record' } | undefined {
  if (UUID.test(name)) return { id: name, kind: 'data' }
  if (!name.endsWith(RECORD_SUFFIX)) return undefined
  const id = name.slice(0, -RECORD_SUFFIX.length)
  return UUID.test(id) ? { id, kind: 'record' } : undefined
}

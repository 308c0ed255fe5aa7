/**
 * What a disk may hold after a power loss, from recorded system calls: what was synced is there, the
 * rest is there or not, each piece for itself.
 *
 * @module
 */
import { dirname } from 'node:path'

/** A recorded call, as far as it matters to a disk or to a client. */
export type Event =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly path: string; readonly length: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  /** Covers what had returned before the event numbered `began`. */
  | { readonly kind: 'sync'; readonly path: string | undefined; readonly began: number }
  | { readonly kind: 'answer' }

/** One change that survives or not. */
type Change =
  | { readonly kind: 'content'; readonly file: number; readonly event: Event }
  | { readonly kind: 'entry'; readonly path: string; readonly file: number | undefined }

interface Kept {
  readonly change: Change
  readonly event: number
  /** The change without which this one cannot survive. */
  readonly needs: number | undefined
  /** The number of the first event after which it was synced. */
  durableFrom: number
}

export interface Disk {
  /** The files by their paths after a loss of power right after the event numbered `end`. */
  after(end: number, survives: (change: number) => boolean): Map<string, Buffer>
}

export function recordDisk(events: readonly Event[]): Disk {
  const kept: Kept[] = []
  const names = new Map<string, number>()
  let files = 0
  events.forEach((event, number) => {
    const add = (change: Change, needs?: number): void => {
      kept.push({ change, event: number, needs, durableFrom: Number.POSITIVE_INFINITY })
    }
    const link = (path: string, file: number | undefined, needs?: number): void => {
      if (file === undefined) names.delete(path)
      else names.set(path, file)
      add({ kind: 'entry', path, file }, needs)
    }
    if (event.kind === 'create') link(event.path, files++)
    if (event.kind === 'unlink') link(event.path, undefined)
    if (event.kind === 'rename') {
      // Each entry waits for a sync of its own directory, but no file system with a journal loses
      // the file between the two.
      link(event.to, names.get(event.from))
      link(event.from, undefined, kept.length - 1)
    }
    if (event.kind === 'write' || event.kind === 'resize') {
      add({ kind: 'content', file: names.get(event.path) ?? -1, event })
    }
    if (event.kind !== 'sync') return
    const { path, began } = event
    for (const each of kept) {
      if (each.event >= began || each.durableFrom < number) continue
      if (path === undefined || isCovered(each.change, path, names)) each.durableFrom = number
    }
  })
  return {
    after(end, survives) {
      const there = new Set<number>()
      for (const [i, { event, durableFrom, needs }] of kept.entries()) {
        const holds = durableFrom <= end || survives(i)
        if (event <= end && holds && (needs === undefined || there.has(needs))) there.add(i)
      }
      return contentOf(kept.filter((_, i) => there.has(i)).map(({ change }) => change))
    },
  }
}

/** A sync of a file covers its content, a sync of a directory its entries. */
function isCovered(change: Change, path: string, names: ReadonlyMap<string, number>): boolean {
  if (change.kind === 'entry') return dirname(change.path) === path
  return change.file === names.get(path)
}

function contentOf(changes: readonly Change[]): Map<string, Buffer> {
  const contents = new Map<number, Buffer>()
  const entries = new Map<string, number>()
  for (const change of changes) {
    if (change.kind === 'entry') {
      if (change.file === undefined) entries.delete(change.path)
      else entries.set(change.path, change.file)
    } else contents.set(change.file, changed(contents.get(change.file), change.event))
  }
  return new Map(
    [...entries].map(([path, file]) => [path, contents.get(file) ?? Buffer.alloc(0)] as const),
  )
}

function changed(content: Buffer = Buffer.alloc(0), event: Event): Buffer {
  if (event.kind === 'resize') return resized(content, event.length)
  if (event.kind !== 'write') return content
  const { at, bytes } = event
  const whole = resized(content, Math.max(content.length, at + bytes.length))
  bytes.copy(whole, at)
  return whole
}

function resized(content: Buffer, length: number): Buffer {
  const whole = Buffer.alloc(length)
  content.copy(whole)
  return whole
}

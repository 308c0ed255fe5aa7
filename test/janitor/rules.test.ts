import { describe, expect, it } from 'vitest'
import { decide, type JanitorPolicy } from '../../src/janitor/rules.ts'
import type { StoredEntry } from '../../src/store/storage.ts'

const NOW = 1_800_000_000_000
const MINUTE = 60_000
const DAY = 86_400_000
const POLICY: JanitorPolicy = {
  staleUploadAgeMs: DAY,
  completedFileAgeMs: 7 * DAY,
  completedVisibleMs: 2 * DAY,
  zombies: 'finalize',
}

function entry(kind: StoredEntry['kind'], age: number, complete = false): StoredEntry {
  return { kind, id: 'x', path: '/x', lastActivityMs: NOW - age, complete }
}

describe('decide', () => {
  it.each([
    ['upload', DAY, 'keep'],
    ['upload', DAY + 1, 'discard'],
    ['unrecorded-data', DAY, 'keep'],
    ['unrecorded-data', DAY + 1, 'discard'],
    ['orphaned-record', MINUTE, 'keep'],
    ['orphaned-record', MINUTE + 1, 'discard'],
    ['completed-orphaned-record', MINUTE, 'keep'],
    ['completed-orphaned-record', MINUTE + 1, 'discard'],
    ['completed', 7 * DAY, 'keep'],
    ['completed', 7 * DAY + 1, 'discard'],
    ['completed-corrupt', MINUTE, 'keep'],
    ['completed-corrupt', MINUTE + 1, 'bury'],
    ['corrupt-upload', 0, 'report'],
    ['corrupt-upload', 9999 * DAY, 'report'],
    ['tombstone', 2 * DAY, 'keep'],
    ['tombstone', 2 * DAY + 1, 'discard'],
    ['dead', 30 * DAY, 'keep'],
    ['dead', 30 * DAY + 1, 'discard'],
    ['quota', 0, 'discard'],
    ['temporary', 60 * MINUTE, 'keep'],
    ['temporary', 60 * MINUTE + 1, 'discard'],
  ] as const)('%s after %d ms: %s', (kind, age, action) => {
    expect(decide(entry(kind, age), NOW, POLICY)).toBe(action)
  })

  it('finalizes what is complete, however old', () => {
    expect(decide(entry('upload', 999 * DAY, true), NOW, POLICY)).toBe('finalize')
  })

  it.each([
    [{ expiresAtMs: NOW - 1 }, 0, 'discard'],
    [{ expiresAtMs: NOW }, 0, 'discard'],
    [{ expiresAtMs: NOW + 1 }, 0, 'keep'],
    // What clients were told holds longer than the rule for those who were told nothing.
    [{ expiresAtMs: NOW + 1 }, 9 * DAY, 'keep'],
    [{ refused: true }, 0, 'discard'],
    [{ gated: true }, 0, 'complete'],
    [{ gated: true }, 999 * DAY, 'complete'],
    [{ gated: true, refused: true }, 0, 'discard'],
  ] as const)('of an upload with %j after %d ms: %s', (more, age, action) => {
    expect(decide({ ...entry('upload', age), ...more }, NOW, POLICY)).toBe(action)
  })

  it('removes what is complete where that is wanted', () => {
    const policy = { ...POLICY, zombies: 'delete' } as const
    expect(decide(entry('upload', 0, true), NOW, policy)).toBe('discard')
  })

  it.each(['upload', 'completed', 'tombstone', 'temporary', 'dead'] as const)(
    'takes a time in the future for now: %s',
    (kind) => {
      expect(decide(entry(kind, -DAY), NOW, { ...POLICY, staleUploadAgeMs: 0 })).toBe('keep')
    },
  )
})

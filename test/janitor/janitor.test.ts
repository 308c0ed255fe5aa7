import { describe, expect, it, vi } from 'vitest'
import { Janitor, type JanitorOptions } from '../../src/janitor/janitor.ts'
import type { Storage, StoredEntry } from '../../src/store/storage.ts'

const SILENT = { info() {}, warn() {}, error: vi.fn() }
const old = (kind: StoredEntry['kind'], id: string, complete = false): StoredEntry => ({
  kind,
  id,
  path: `/${id}`,
  lastActivityMs: 0,
  complete,
})

interface Fake {
  readonly entries: readonly StoredEntry[]
  readonly held?: string
  readonly broken?: string
}

function fakeStorage({ entries, held, broken }: Fake) {
  const done: string[] = []
  let passes = 0
  const act = (what: string) => async (entry: StoredEntry) => {
    if (entry.id === broken) throw new Error('the disk said no')
    if (entry.id === held) return false
    done.push(`${what} ${entry.id}`)
    return true
  }
  const storage: Pick<Storage, 'entries' | 'discard' | 'bury' | 'finalize'> = {
    async *entries() {
      passes++
      yield* entries
    },
    discard: act('discard'),
    bury: act('bury'),
    finalize: async (id) => void done.push(`finalize ${id}`),
  }
  return { storage: storage as Storage, done, passes: () => passes }
}

function janitorOf(storage: Storage, options: Partial<JanitorOptions> = {}): Janitor {
  return new Janitor({ storage, completedDir: '/c', logger: SILENT, ...options })
}

describe('Janitor', () => {
  it('acts on every kind and counts what it did', async () => {
    const { storage, done } = fakeStorage({
      entries: [
        old('upload', 'zombie', true),
        old('upload', 'stale'),
        old('unrecorded-data', 'half'),
        old('orphaned-record', 'orphan'),
        old('completed', 'forgotten'),
        old('completed-corrupt', 'broken'),
        old('corrupt-upload', 'kept'),
        old('tombstone', 'stone'),
      ],
    })
    expect(await janitorOf(storage).run()).toEqual({
      finalized: 1,
      stale: 2,
      orphaned: 1,
      expired: 1,
      buried: 1,
      corrupt: 1,
      swept: 1,
      failed: 0,
    })
    expect(done).toContain('finalize zombie')
    expect(done).toContain('bury broken')
    expect(done.join()).not.toContain('kept')
  })

  it('does not count what somebody holds', async () => {
    const { storage } = fakeStorage({ entries: [old('completed', 'a')], held: 'a' })
    expect(await janitorOf(storage).run()).toMatchObject({ expired: 0, failed: 0 })
  })

  it('goes on after an entry that it cannot deal with', async () => {
    const { storage, done } = fakeStorage({
      entries: [old('upload', 'a'), old('upload', 'b')],
      broken: 'a',
    })
    expect(await janitorOf(storage).run()).toMatchObject({ stale: 1, failed: 1 })
    expect(done).toEqual(['discard b'])
    expect(SILENT.error).toHaveBeenCalled()
  })

  it('joins a pass that is under way', async () => {
    const { storage, passes } = fakeStorage({ entries: [old('upload', 'a')] })
    const janitor = janitorOf(storage)
    await Promise.all([janitor.run(), janitor.run()])
    expect(passes()).toBe(1)
  })

  it('starts at once, repeats, and ends', async () => {
    const { storage, passes } = fakeStorage({ entries: [] })
    const janitor = janitorOf(storage)
    janitor.start({ intervalMs: 1 })
    await expect.poll(passes).toBeGreaterThan(2)
    await janitor.stop()
    const before = passes()
    await janitor.run()
    expect(passes()).toBe(before + 1)
  })

  it('refuses to be started twice', async () => {
    await using janitor = janitorOf(fakeStorage({ entries: [] }).storage)
    janitor.start()
    expect(() => janitor.start()).toThrow(TypeError)
  })

  it.each([
    { staleUploadAgeMs: -1 },
    { completedFileAgeMs: Number.NaN },
    { completedVisibleMs: '1' as unknown as number },
    { zombies: 'eat' as 'delete' },
  ])('refuses %j at construction', (options) => {
    expect(() => janitorOf(fakeStorage({ entries: [] }).storage, options)).toThrow(TypeError)
  })
})

import { describe, expect, it, vi } from 'vitest'
import { Janitor } from '../../src/janitor/janitor.ts'
import type { JanitorOptions } from '../../src/janitor/options.ts'
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
    finalize: async (id) => done.push(`finalize ${id}`) > 0,
  }
  return { storage: storage as Storage, done, passes: () => passes }
}

/** Holds every discard until it is opened, and knows how many wait. */
function gatedStorage(entries: () => AsyncIterable<StoredEntry>) {
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const seen = { waiting: 0, most: 0, done: 0 }
  const storage: Pick<Storage, 'entries' | 'discard'> = {
    entries,
    async discard() {
      seen.most = Math.max(seen.most, ++seen.waiting)
      await gate
      seen.waiting--
      seen.done++
      return true
    },
  }
  return { storage: storage as Storage, seen, open: () => open() }
}

async function* stale(count: number): AsyncGenerator<StoredEntry> {
  for (let index = 0; index < count; index++) yield old('upload', `${index}`)
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
        { ...old('upload', 'judge me'), gated: true },
        old('unrecorded-data', 'half'),
        old('orphaned-record', 'orphan'),
        old('completed-orphaned-record', 'other-orphan'),
        old('completed', 'forgotten'),
        old('completed-corrupt', 'broken'),
        old('corrupt-upload', 'kept'),
        old('tombstone', 'stone'),
        old('dead', 'bones'),
        old('temporary', 'scrap'),
      ],
    })
    expect(await janitorOf(storage).run()).toEqual({
      finalized: 1,
      stale: 2,
      orphaned: 2,
      expired: 1,
      buried: 1,
      corrupt: 1,
      swept: 3,
      waiting: 1,
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

  it('takes a clock that jumps ahead for no reason to remove anything', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const fresh = { ...old('completed', 'a'), lastActivityMs: Date.now() }
      const { storage, done } = fakeStorage({ entries: [fresh] })
      const janitor = janitorOf(storage)
      vi.setSystemTime(Date.now() + 30 * 86_400_000)
      expect(await janitor.run()).toMatchObject({ expired: 0 })
      expect(done).toEqual([])
    } finally {
      vi.useRealTimers()
    }
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

  it('has sixteen entries in hand at most', async () => {
    const { storage, seen, open } = gatedStorage(() => stale(40))
    const pass = janitorOf(storage).run()
    await expect.poll(() => seen.waiting).toBe(16)
    open()
    expect(await pass).toMatchObject({ stale: 40 })
    expect(seen.most).toBe(16)
  })

  it('ends a pass early when it is stopped, but not an entry', async () => {
    const { storage, seen, open } = gatedStorage(() => stale(1000))
    const janitor = janitorOf(storage)
    const pass = janitor.run()
    await expect.poll(() => seen.waiting).toBe(16)
    const stopped = janitor.stop().then(() => seen.waiting)
    open()
    expect(await stopped).toBe(0)
    expect(await pass).toMatchObject({ stale: 16 })
  })

  it('runs in full when asked to while a stopped pass ends', async () => {
    const { storage, open } = gatedStorage(() => stale(30))
    open()
    const janitor = janitorOf(storage)
    const again = janitor.run().then(() => janitor.run())
    await janitor.stop()
    expect(await again).toMatchObject({ stale: 30 })
  })

  it('leaves nothing under way when the listing fails', async () => {
    const { storage, seen, open } = gatedStorage(async function* () {
      yield* stale(2)
      throw new Error('the directory is gone')
    })
    const failed = janitorOf(storage)
      .run()
      .catch(({ message }) => ({ message, waiting: seen.waiting }))
    await expect.poll(() => seen.waiting).toBe(2)
    open()
    expect(await failed).toEqual({ message: 'the directory is gone', waiting: 0 })
    expect(seen.done).toBe(2)
  })

  it('tries again after a pass that failed', async () => {
    let passes = 0
    const { storage } = gatedStorage(() => {
      if (++passes === 1) throw new Error('the directory is gone')
      return stale(0)
    })
    const logger = { ...SILENT, error: vi.fn() }
    await using janitor = janitorOf(storage, { logger })
    janitor.start({ intervalMs: 1 })
    await expect.poll(() => passes).toBeGreaterThan(2)
    expect(logger.error).toHaveBeenCalledTimes(1)
  })

  it('never runs twice at once, however short the interval', async () => {
    const seen = { running: 0, most: 0, passes: 0 }
    const { storage } = gatedStorage(async function* () {
      seen.most = Math.max(seen.most, ++seen.running)
      await new Promise((resolve) => setTimeout(resolve, 10))
      seen.running--
      seen.passes++
    })
    await using janitor = janitorOf(storage)
    janitor.start({ intervalMs: 1 })
    await expect.poll(() => seen.passes).toBeGreaterThan(3)
    expect(seen.most).toBe(1)
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
    { completedDir: '' },
    { completedDir: 5 as unknown as string },
    { storage: {} as Storage },
    { storage: null as unknown as Storage },
  ])('refuses %j at construction and names it', (options) => {
    const construct = () => janitorOf(fakeStorage({ entries: [] }).storage, options)
    expect(construct).toThrow(TypeError)
    expect(construct).toThrow(Object.keys(options)[0])
  })
})

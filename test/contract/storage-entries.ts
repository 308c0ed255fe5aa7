/** What a storage shows the janitor and does at its word; part of the contract of a storage. @module */
import { expect, it } from 'vitest'
import { contentOf } from './content.ts'
import {
  collect,
  completeUpload,
  entriesOf,
  entryOf,
  newUpload,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  soon,
  startUpload,
} from './harness.ts'

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeStorageEntries(open: OpenStorageFunction): void {
  it('shows nothing where nothing is', async () => {
    const { storage, completedDir } = await openForTest(open)
    expect(await collect(storage.entries(completedDir))).toEqual([])
  })

  it('shows an unfinished upload with its last write', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { sent: 'hello' })
    const { lastWrite } = await harness.storage.info(id)
    const entry = await entryOf(harness, 'upload', id)
    expect(entry).toMatchObject({ complete: false })
    expect(Math.abs(entry.lastActivityMs - lastWrite.getTime())).toBeLessThan(1_000)
  })

  it('calls an upload complete that is at its length but not finalized', async () => {
    const harness = await openForTest(open)
    const { uploadId } = await harness.storage.create(newUpload({ length: 0 }))
    expect(await entryOf(harness, 'upload', uploadId)).toMatchObject({ complete: true })
  })

  it('shows a completed upload once', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    expect(await entriesOf(harness, id)).toMatchObject([{ kind: 'completed' }])
  })

  it('shows an acknowledged upload as a tombstone', async () => {
    const harness = await openForTest(open)
    const { id } = await completeUpload(harness).then(() => receive(harness))
    expect(await entriesOf(harness, id)).toMatchObject([{ kind: 'tombstone' }])
  })

  it('discards an unfinished upload', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { sent: 'hello' })
    expect(
      await harness.storage.discard(await entryOf(harness, 'upload', id), harness.completedDir),
    ).toBe(true)
    await expect(harness.storage.info(id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
    expect((await entriesOf(harness, id)).map(({ kind }) => kind)).toEqual(['tombstone'])
    expect(await harness.queue.find(id)).toMatchObject({ state: 'expired', offset: 5 })
  })

  it('does not discard twice', async () => {
    const harness = await openForTest(open)
    const entry = await entryOf(harness, 'upload', await startUpload(harness))
    await harness.storage.discard(entry, harness.completedDir)
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(false)
  })

  it('does not discard an upload that received since it was shown', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const entry = await entryOf(harness, 'upload', id)
    await expect.poll(() => Date.now()).toBeGreaterThan(entry.lastActivityMs + 20)
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('wor') })
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(false)
    expect((await harness.storage.info(id)).offset).toBe(8)
  })

  it('does not discard an upload that completed since it was shown', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const entry = await entryOf(harness, 'upload', id)
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('world') })
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(false)
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })

  it('discards a completed upload that nobody holds', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    expect(
      await harness.storage.discard(await entryOf(harness, 'completed', id), harness.completedDir),
    ).toBe(true)
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('does not discard what a worker holds', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const entry = await entryOf(harness, 'completed', id)
    const claim = await harness.queue.claim(soon())
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(false)
    await claim.release()
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })

  it('discards a tombstone', async () => {
    const harness = await openForTest(open)
    const { id } = await completeUpload(harness).then(() => receive(harness))
    expect(
      await harness.storage.discard(await entryOf(harness, 'tombstone', id), harness.completedDir),
    ).toBe(true)
    expect(await harness.queue.find(id)).toBeUndefined()
  })

  it('buries a completed upload where no claim finds it', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const entry = await entryOf(harness, 'completed', id)
    expect(await harness.storage.bury(entry, harness.completedDir, 'the record is damaged')).toBe(
      true,
    )
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('shows what it buried among the dead', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await harness.storage.bury(
      await entryOf(harness, 'completed', id),
      harness.completedDir,
      'the record is damaged',
    )
    expect(await entriesOf(harness, id)).toMatchObject([{ kind: 'dead' }])
  })

  it('discards the dead', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await harness.storage.bury(
      await entryOf(harness, 'completed', id),
      harness.completedDir,
      'the record is damaged',
    )
    expect(
      await harness.storage.discard(await entryOf(harness, 'dead', id), harness.completedDir),
    ).toBe(true)
    expect(await entriesOf(harness, id)).toEqual([])
  })

  it('does not bury what a worker holds', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const entry = await entryOf(harness, 'completed', id)
    const claim = await harness.queue.claim(soon())
    expect(await harness.storage.bury(entry, harness.completedDir, 'the record is damaged')).toBe(
      false,
    )
    await claim.release()
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })
}

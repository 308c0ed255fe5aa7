/**
 * The behaviour every storage owes its callers, told through the interface alone.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  completeUpload,
  listedIds,
  newUpload,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  startUpload,
  terminated,
} from './harness.ts'
import { describeAppend, describeFailingAppend } from './storage-append.ts'
import { describeComplete } from './storage-complete.ts'
import { describeConcatenation } from './storage-concat.ts'
import { describeConcurrentAppends } from './storage-concurrency.ts'
import { describeStorageEntries } from './storage-entries.ts'
import { describeQuota } from './storage-quota.ts'
import { describeTerminate } from './storage-terminate.ts'
import { describeAppendTerms } from './storage-terms.ts'

/** Runs the contract of a storage; `open` makes a fresh, empty one per test. */
export function describeStorage(name: string, open: OpenStorageFunction): void {
  describe(`Storage: ${name}`, () => {
    describe('create and info', () => describeCreate(open))
    describe('append', () => describeAppend(open))
    describe('append that fails', () => describeFailingAppend(open))
    describe('appends at the same time', () => describeConcurrentAppends(open))
    describe('terms of an append', () => describeAppendTerms(open))
    describeComplete(open)
    describe('quotas', () => describeQuota(open))
    describe('finalize', () => describeFinalize(open))
    describe('concatenation', () => describeConcatenation(open))
    describe('terminate', () => describeTerminate(open))
    describe('list', () => describeList(open))
    describe('entries, discard and bury', () => describeStorageEntries(open))
  })
}

function describeCreate(open: OpenStorageFunction): void {
  it('starts an upload at offset 0 with everything the creator gave', async () => {
    const { storage } = await openForTest(open)
    const given = {
      id: randomUUID(),
      length: 7,
      metadata: { filename: 'ä.txt' },
      uploadMetadata: 'filename w6QudHh0,raw /w==',
      serverMetadata: { owner: '7' },
    }
    const { id: uploadId, ...rest } = given
    expect(await storage.create(given)).toMatchObject({
      uploadId,
      ...rest,
      offset: 0,
      state: 'receiving',
    })
  })

  it('tells the same afterwards', async () => {
    const { storage } = await openForTest(open)
    const created = await storage.create(
      newUpload({ metadata: { a: 'b' }, uploadMetadata: 'a Yg==', serverMetadata: { c: 'd' } }),
    )
    expect(await storage.info(created.uploadId)).toEqual(created)
  })

  it('dates an upload at its creation', async () => {
    const { storage } = await openForTest(open)
    const before = Date.now()
    const { createdAt, lastWrite } = await storage.create(newUpload())
    expect(createdAt.getTime()).toBeGreaterThanOrEqual(before - 1)
    expect(createdAt.getTime()).toBeLessThanOrEqual(Date.now() + 1)
    expect(lastWrite).toEqual(createdAt)
  })

  it('keeps an unknown length', async () => {
    const { storage } = await openForTest(open)
    const { uploadId } = await storage.create(newUpload({ length: null }))
    expect(await storage.info(uploadId)).toMatchObject({ length: null, offset: 0 })
  })

  it('has an upload of length 0 sealed from the start', async () => {
    const { storage } = await openForTest(open)
    const created = await storage.create(newUpload({ length: 0 }))
    expect(created).toMatchObject({ length: 0, offset: 0, state: 'sealed' })
    expect(await storage.info(created.uploadId)).toEqual(created)
  })

  it('refuses a second upload of the same id', async () => {
    const { storage } = await openForTest(open)
    const upload = newUpload()
    await storage.create(upload)
    await expect(storage.create(upload)).rejects.toMatchObject({ code: 'ERR_UPLOAD_EXISTS' })
  })

  it('leaves the first upload as it was when it refuses the second', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    await harness.storage.create(newUpload({ id, length: 3 })).catch(() => {})
    expect(await harness.storage.info(id)).toMatchObject({ length: 10, offset: 5 })
  })

  it('refuses what it has no room for and keeps nothing of it', async () => {
    const { storage } = await openForTest(open)
    const upload = newUpload({ length: Number.MAX_SAFE_INTEGER })
    await expect(storage.create(upload)).rejects.toMatchObject({ code: 'ERR_INSUFFICIENT_STORAGE' })
    await expect(storage.info(upload.id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })

  it('says how much room it has', async () => {
    const { storage } = await openForTest(open)
    const free = await storage.freeSpace()
    expect(Number.isSafeInteger(free)).toBe(true)
    expect(free).toBeGreaterThan(0)
  })

  it('knows no upload that was not created', async () => {
    const { storage } = await openForTest(open)
    await expect(storage.info(randomUUID())).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })
}

function describeFinalize(open: OpenStorageFunction): void {
  it('completes an upload of length 0', async () => {
    const harness = await openForTest(open)
    const { uploadId } = await harness.storage.create(newUpload({ length: 0 }))
    await harness.storage.finalize(uploadId, harness.completedDir)
    expect(await receive(harness)).toMatchObject({ id: uploadId, bytes: Buffer.alloc(0) })
  })

  it('ends in the same place any number of times', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await harness.storage.finalize(id, harness.completedDir)
    await harness.storage.finalize(id, harness.completedDir)
    expect((await receive(harness)).bytes.toString()).toBe('hello')
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('ends in the same place when two do it at once', async () => {
    const harness = await openForTest(open)
    const { uploadId } = await harness.storage.create(newUpload({ length: 0 }))
    await Promise.all([
      harness.storage.finalize(uploadId, harness.completedDir),
      harness.storage.finalize(uploadId, harness.completedDir),
    ])
    expect((await receive(harness)).id).toBe(uploadId)
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('does not bring back what a worker acknowledged', async () => {
    const harness = await openForTest(open)
    const { id } = await completeUpload(harness).then(() => receive(harness))
    await harness.storage.finalize(id, harness.completedDir).catch(() => {})
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('refuses an upload that is not at its length', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    await expect(harness.storage.finalize(id, harness.completedDir)).rejects.toMatchObject({
      name: 'UploadError',
    })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 5, state: 'receiving' })
  })

  it('refuses an upload that was not created', async () => {
    const harness = await openForTest(open)
    await expect(
      harness.storage.finalize(randomUUID(), harness.completedDir),
    ).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })
}

function describeList(open: OpenStorageFunction): void {
  it('lists nothing where nothing is', async () => {
    const harness = await openForTest(open)
    expect(await listedIds(harness)).toEqual([])
  })

  it('lists the unfinished uploads as info tells them', async () => {
    const harness = await openForTest(open)
    const ids = [await startUpload(harness), await startUpload(harness, { sent: 'hello' })]
    for await (const upload of harness.storage.list()) {
      expect(upload).toEqual(await harness.storage.info(upload.uploadId))
    }
    expect((await listedIds(harness)).sort()).toEqual(ids.sort())
  })

  it('lists a terminated upload no more', async () => {
    const harness = await openForTest(open)
    const ids = [await startUpload(harness), await startUpload(harness)]
    await harness.storage.terminate(ids.pop() ?? '', terminated(harness))
    expect(await listedIds(harness)).toEqual(ids)
  })
}

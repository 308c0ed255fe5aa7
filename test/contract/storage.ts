/**
 * The behaviour every storage owes its callers, told through the interface alone.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Content } from '../../src/store/storage.ts'
import { contentCutAfter, contentOf, stalledContent } from './content.ts'
import {
  completeUpload,
  type Harness,
  listedIds,
  newUpload,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  startUpload,
} from './harness.ts'
import { describeStorageEntries } from './storage-entries.ts'

/** Runs the contract of a storage; `open` makes a fresh, empty one per test. */
export function describeStorage(name: string, open: OpenStorageFunction): void {
  describe(`Storage: ${name}`, () => {
    describe('create and info', () => describeCreate(open))
    describe('append', () => describeAppend(open))
    describe('append that fails', () => describeFailingAppend(open))
    describe('appends at the same time', () => describeConcurrentAppends(open))
    describe('finalize', () => describeFinalize(open))
    describe('delete and list', () => describeDelete(open))
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

function describeAppend(open: OpenStorageFunction): void {
  it('advances the offset by what arrived', async () => {
    const { storage, completedDir } = await openForTest(open)
    const { uploadId } = await storage.create(newUpload({ length: 10 }))
    const content = contentOf('hello')
    const { upload } = await storage.append(uploadId, { offset: 0, content, completedDir })
    expect(upload).toMatchObject({ uploadId, offset: 5, length: 10, state: 'receiving' })
    expect(await storage.info(uploadId)).toEqual(upload)
  })

  it('keeps what the creator gave', async () => {
    const harness = await openForTest(open)
    const given = { metadata: { a: 'b' }, uploadMetadata: 'a Yg==', serverMetadata: { c: 'd' } }
    const id = await startUpload(harness, { ...given, sent: 'hello' })
    expect(await harness.storage.info(id)).toMatchObject(given)
  })

  it('moves the last write on and leaves the creation', async () => {
    const { storage, completedDir } = await openForTest(open)
    const created = await storage.create(newUpload())
    await expect.poll(() => Date.now()).toBeGreaterThan(created.createdAt.getTime() + 20)
    const content = contentOf('hello')
    const { upload } = await storage.append(created.uploadId, { offset: 0, content, completedDir })
    expect(upload.createdAt).toEqual(created.createdAt)
    expect(upload.lastWrite.getTime()).toBeGreaterThan(created.lastWrite.getTime())
  })

  it('keeps the order of pieces and batches', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 12 })
    const content = contentOf(['he', 'l', 'lo'], [' ', 'wor'], 'ld!')
    await harness.storage.append(id, { ...harness, offset: 0, content })
    expect((await receive(harness)).bytes.toString()).toBe('hello world!')
  })

  it('goes on where the last append ended', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('world') })
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })

  it('takes batches of megabytes and of bytes in one content', async () => {
    const harness = await openForTest(open)
    const large = Buffer.alloc(3 * 2 ** 20 + 7, 'large ')
    const small = Buffer.from('small')
    const bytes = Buffer.concat([large, small, large])
    const id = await startUpload(harness, { length: bytes.byteLength })
    await harness.storage.append(id, {
      ...harness,
      offset: 0,
      content: contentOf([large.subarray(0, 65_536), large.subarray(65_536)], small, large),
    })
    expect((await receive(harness)).bytes.equals(bytes)).toBe(true)
  })

  it('is not moved by a batch without bytes', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    const content = contentOf('he', '', 'llo', '')
    const { upload } = await harness.storage.append(id, { ...harness, offset: 0, content })
    expect(upload.offset).toBe(5)
  })

  it('is not moved by an empty content', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const { upload } = await harness.storage.append(id, {
      ...harness,
      offset: 5,
      content: contentOf(),
    })
    expect(upload).toMatchObject({ offset: 5, state: 'receiving' })
  })

  it('goes on without end while the length is unknown', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, sent: 'hello' })
    expect(await harness.storage.info(id)).toMatchObject({
      length: null,
      offset: 5,
      state: 'receiving',
    })
  })

  it('completes an upload that reaches its length', async () => {
    const { storage, completedDir, queue } = await openForTest(open)
    const { uploadId } = await storage.create(newUpload({ length: 5 }))
    const content = contentOf('hello')
    const { upload } = await storage.append(uploadId, { offset: 0, content, completedDir })
    expect(upload).toMatchObject({ uploadId, offset: 5, length: 5, state: 'completed' })
    expect(await queue.find(uploadId)).toMatchObject({ offset: 5, state: 'completed' })
  })

  it('has an upload that completed no longer among the unfinished', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await expect(harness.storage.info(id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
    expect(await listedIds(harness)).toEqual([])
  })

  it('counts uploads apart', async () => {
    const harness = await openForTest(open)
    const first = await startUpload(harness, { sent: 'hello' })
    const second = await startUpload(harness, { sent: 'hi' })
    expect((await harness.storage.info(first)).offset).toBe(5)
    expect((await harness.storage.info(second)).offset).toBe(2)
  })
}

function describeFailingAppend(open: OpenStorageFunction): void {
  it.each([0, 3, 6, 10])('refuses offset %i of an upload that is at 5', async (offset) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const content = contentOf('XX')
    await expect(harness.storage.append(id, { ...harness, offset, content })).rejects.toMatchObject(
      { code: 'ERR_MISMATCHED_OFFSET', offset: 5 },
    )
    expect((await harness.storage.info(id)).offset).toBe(5)
  })

  it('stores nothing of what it refused', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    await harness.storage
      .append(id, { ...harness, offset: 0, content: contentOf('XXXXXXXXXX') })
      .catch(() => {})
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('world') })
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })

  it('keeps the bytes that arrived before the content was cut off', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    const content = contentCutAfter('hel', 'lo')
    const result = await harness.storage.append(id, { ...harness, offset: 0, content })
    expect(result.upload).toMatchObject({ offset: 5, state: 'receiving' })
    expect(await harness.storage.info(id)).toEqual(result.upload)
  })

  it('hands back why the content ended early', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    const content = contentCutAfter('hello')
    const { contentError } = await harness.storage.append(id, { ...harness, offset: 0, content })
    expect(contentError).toMatchObject({ message: 'connection reset' })
  })

  it('has no content error to hand back when the content ended well', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    const result = await harness.storage.append(id, {
      ...harness,
      offset: 0,
      content: contentOf('hello'),
    })
    expect(result.contentError).toBeUndefined()
  })

  it('is not moved by a content that fails before its first byte', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const content = contentCutAfter()
    const result = await harness.storage.append(id, { ...harness, offset: 5, content })
    expect(result.upload.offset).toBe(5)
    expect(result.contentError).toMatchObject({ message: 'connection reset' })
  })

  it('goes on after a cut to the same bytes as without it', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    await harness.storage.append(id, { ...harness, offset: 0, content: contentCutAfter('hello') })
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('world') })
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })

  it('completes an upload whose content is cut off after its last byte', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 5 })
    const content = contentCutAfter('hello')
    const { upload } = await harness.storage.append(id, { ...harness, offset: 0, content })
    expect(upload).toMatchObject({ offset: 5, state: 'completed' })
    expect(await harness.queue.find(id)).toMatchObject({ offset: 5, state: 'completed' })
  })

  it('refuses more bytes than the length and stores none of that batch', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const refused = await refusal(harness, id, 5, contentOf('worlds'))
    expect(refused).toMatchObject({ code: 'ERR_UPLOAD_SIZE_EXCEEDED', offset: 5 })
    expect((await harness.storage.info(id)).offset).toBe(5)
  })

  it('refuses more megabytes than the length and stores none of that batch', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const refused = await refusal(harness, id, 5, contentOf(Buffer.alloc(2 ** 20), 'more'))
    expect(refused).toMatchObject({ code: 'ERR_UPLOAD_SIZE_EXCEEDED', offset: 5 })
    expect((await harness.storage.info(id)).offset).toBe(5)
  })

  it('keeps the batches before the one that is too long', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    const refused = await refusal(harness, id, 0, contentOf('hello', 'worlds'))
    expect(refused).toMatchObject({ code: 'ERR_UPLOAD_SIZE_EXCEEDED' })
    expect((await harness.storage.info(id)).offset).toBe(5)
  })

  it('says where the upload is when a later batch is too long', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10 })
    expect(await refusal(harness, id, 0, contentOf('hello', 'worlds'))).toMatchObject({ offset: 5 })
  })

  it('goes on after too many bytes to the bytes that were meant', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    await harness.storage
      .append(id, { ...harness, offset: 5, content: contentOf('XXXXXXXXX') })
      .catch(() => {})
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('world') })
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })

  it('refuses bytes for an upload that was not created', async () => {
    const harness = await openForTest(open)
    await expect(
      harness.storage.append(randomUUID(), { ...harness, offset: 0, content: contentOf('hi') }),
    ).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })

  it('refuses bytes for an upload that completed and changes none of it', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness, { content: 'hello' })
    await expect(
      harness.storage.append(id, { ...harness, offset: 0, content: contentOf('XXXXX') }),
    ).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })
}

function describeConcurrentAppends(open: OpenStorageFunction): void {
  it('lets exactly one of two appends at the same offset win', async () => {
    const harness = await openForTest(open)
    for (let round = 0; round < 5; round++) {
      const id = await startUpload(harness, { length: 20, sent: 'start' })
      const results = await Promise.allSettled(
        ['aa', 'bb'].map((text) =>
          harness.storage.append(id, { ...harness, offset: 5, content: contentOf(text, text) }),
        ),
      )
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect((await harness.storage.info(id)).offset).toBe(9)
    }
  })

  it('tells the loser where the upload is', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 20 })
    const results = await Promise.allSettled(
      ['a', 'b'].map((text) =>
        harness.storage.append(id, { ...harness, offset: 0, content: contentOf(text) }),
      ),
    )
    const loser = results.find((result) => result.status === 'rejected')
    expect(loser?.reason).toMatchObject({ code: 'ERR_MISMATCHED_OFFSET', offset: 1 })
  })

  it('keeps one history of the bytes when appends race', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 6 })
    await Promise.allSettled(
      ['a', 'b'].map((text) =>
        harness.storage.append(id, { ...harness, offset: 0, content: contentOf(text, text, text) }),
      ),
    )
    const { offset } = await harness.storage.info(id)
    await harness.storage.append(id, {
      ...harness,
      offset,
      content: contentOf('c'.repeat(6 - offset)),
    })
    expect((await receive(harness)).bytes.toString()).toMatch(/^(?:aaa|bbb)ccc$/)
  })

  it('is not held up by an append whose sender is silent', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 20 })
    const content = stalledContent()
    const stalled = harness.storage.append(id, { ...harness, offset: 0, content })
    await content.asked
    const { upload } = await harness.storage.append(id, {
      ...harness,
      offset: 0,
      content: contentOf('hello'),
    })
    expect(upload.offset).toBe(5)
    content.cut()
    await stalled.catch(() => {})
  })

  it('refuses the bytes of a stalled append that was overtaken', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 20 })
    const content = stalledContent()
    const stalled = harness.storage.append(id, { ...harness, offset: 0, content })
    stalled.catch(() => {})
    await content.asked
    await harness.storage.append(id, { ...harness, offset: 0, content: contentOf('hello') })
    content.send('XXXXX')
    await expect(stalled).rejects.toMatchObject({ code: 'ERR_MISMATCHED_OFFSET', offset: 5 })
    expect((await harness.storage.info(id)).offset).toBe(5)
  })

  it('answers a query while an append stalls', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 20, sent: 'hello' })
    const content = stalledContent()
    const stalled = harness.storage.append(id, { ...harness, offset: 5, content })
    await content.asked
    expect((await harness.storage.info(id)).offset).toBe(5)
    content.send('world')
    expect((await stalled).upload.offset).toBe(10)
  })

  it('refuses the bytes of a stalled append whose upload was deleted', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 20 })
    const content = stalledContent()
    const stalled = harness.storage.append(id, { ...harness, offset: 0, content })
    stalled.catch(() => {})
    await content.asked
    await harness.storage.delete(id)
    content.send('hello')
    await expect(stalled).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })

  it('keeps many uploads apart that receive at the same time', async () => {
    const harness = await openForTest(open)
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => startUpload(harness, { length: 40 })),
    )
    await Promise.all(
      ids.map((id) => {
        const content = contentOf(id.slice(0, 18), id.slice(18), 'done')
        return harness.storage.append(id, { ...harness, offset: 0, content })
      }),
    )
    const received = await Promise.all(ids.map(() => receive(harness)))
    expect(received.map(({ id }) => id).sort()).toEqual([...ids].sort())
    for (const { id, bytes } of received) expect(bytes.toString()).toBe(`${id}done`)
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

function describeDelete(open: OpenStorageFunction): void {
  it('removes an unfinished upload', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { sent: 'hello' })
    await harness.storage.delete(id)
    await expect(harness.storage.info(id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })

  it('has nothing to remove a second time', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness)
    await harness.storage.delete(id)
    await expect(harness.storage.delete(id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
  })

  it('leaves a completed upload alone', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await expect(harness.storage.delete(id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
    expect((await receive(harness)).id).toBe(id)
  })

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

  it('lists a deleted upload no more', async () => {
    const harness = await openForTest(open)
    const ids = [await startUpload(harness), await startUpload(harness)]
    await harness.storage.delete(ids.pop() ?? '')
    expect(await listedIds(harness)).toEqual(ids)
  })
}

/** Why an append ended: rejected where nothing was kept, else a part of the result. */
async function refusal(
  { storage, completedDir }: Harness,
  id: string,
  offset: number,
  content: Content,
): Promise<unknown> {
  const appending = storage.append(id, { offset, content, completedDir })
  return appending.then(
    (result) => result.contentError,
    (error: unknown) => error,
  )
}

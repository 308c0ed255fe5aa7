/** Appending, and what is refused of it; part of the contract of a storage. @module */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Content } from '../../src/store/storage.ts'
import { contentCutAfter, contentOf } from './content.ts'
import {
  completeUpload,
  type Harness,
  listedIds,
  newUpload,
  type OpenStorageFunction,
  openForTest,
  receive,
  startUpload,
} from './harness.ts'

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeAppend(open: OpenStorageFunction): void {
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

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeFailingAppend(open: OpenStorageFunction): void {
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

/** Quotas: bytes that the unfinished uploads of one owner may reserve; part of the contract of a storage. @module */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { AppendRequest, AppendResult, NewUpload } from '../../src/store/storage.ts'
import type { StoredUpload } from '../../src/store/upload.ts'
import { contentCutAfter, contentOf, stalledContent } from './content.ts'
import {
  completeUpload,
  entryOf,
  type Harness,
  listedIds,
  newUpload,
  type OpenStorageFunction,
  openForTest,
  receive,
  terminated,
} from './harness.ts'

const QUOTA = 100
const EXCEEDED = { code: 'ERR_QUOTA_EXCEEDED' }
/** As much as is not sent along in one message. */
const LONG = 'x'.repeat(100_000)

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeQuota(open: OpenStorageFunction): void {
  describeReserving(open)
  describeFreeing(open)
  describeDeferred(open)
}

function describeReserving(open: OpenStorageFunction): void {
  it('refuses what would be too much, says how much there is, and keeps nothing of it', async () => {
    const harness = await openForTest(open)
    await create(harness, { length: 60 })
    const refused = create(harness, { length: 41 })
    await expect(refused).rejects.toMatchObject({
      ...EXCEEDED,
      message: expect.stringMatching(/41 .*100.* 60 /),
    })
    expect(await listedIds(harness)).toHaveLength(1)
    await create(harness, { length: 40 })
    await expect(create(harness, { length: 1 })).rejects.toMatchObject(EXCEEDED)
    await create(harness, { length: 0 })
  })

  it('counts each owner alone, whatever the name', async () => {
    const harness = await openForTest(open)
    for (const owner of ['a', 'b', '', '../..', 'ä/€ '.repeat(200)]) {
      await create(harness, { length: 100 }, owner)
      await expect(create(harness, { length: 1 }, owner)).rejects.toMatchObject(EXCEEDED)
    }
  })

  it('is never exceeded by creations at the same time', async () => {
    const harness = await openForTest(open)
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => create(harness, { length: 30 })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject(EXCEEDED)
    }
    expect(await listedIds(harness)).toHaveLength(3)
  })

  it('counts an upload once whose id is asked for again', async () => {
    const harness = await openForTest(open)
    const { uploadId: id } = await create(harness, { length: 50 })
    const again = create(harness, { id, length: 20 })
    await expect(again).rejects.toMatchObject({ code: 'ERR_UPLOAD_EXISTS' })
    await create(harness, { length: 50 })
    await expect(create(harness, { length: 1 })).rejects.toMatchObject(EXCEEDED)
  })

  it('bounds a creation that brings its bytes, and frees them when they complete it', async () => {
    const harness = await openForTest(open)
    const { storage, completedDir } = harness
    const first = { pieces: [Buffer.alloc(70)], completedDir }
    const upload = { ...owned({ length: 70 }), quota: QUOTA }
    for (let i = 0; i < 3; i++) {
      const stored = await storage.create({ ...upload, id: randomUUID() }, first)
      expect(stored.state).toBe('completed')
    }
    await create(harness, { length: 31 })
    const refused = storage.create({ ...upload, id: randomUUID() }, first)
    await expect(refused).rejects.toMatchObject(EXCEEDED)
  })

  it('counts what is complete and waits for its verdict, and parts of later uploads', async () => {
    const harness = await openForTest(open)
    const { uploadId } = await create(harness, { length: 50 })
    await append(harness, uploadId, { content: contentOf('x'.repeat(50)), seal: true })
    await expect(create(harness, { length: 51 })).rejects.toMatchObject(EXCEEDED)
    await harness.storage.finalize(uploadId, harness.completedDir, { gated: false })
    const part = newUpload({ length: 60, quota: QUOTA })
    const notes = { owner: 'me', concat: { field: 'partial' } }
    await harness.storage.create({ ...part, notes })
    await append(harness, part.id, { content: contentOf('x'.repeat(60)) })
    await expect(create(harness, { length: 41 })).rejects.toMatchObject(EXCEEDED)
  })

  it('holds for new uploads when it is lowered', async () => {
    const harness = await openForTest(open)
    await create(harness, { length: 60 })
    const { storage } = harness
    await expect(storage.create({ ...owned({ length: 1 }), quota: 50 })).rejects.toMatchObject(
      EXCEEDED,
    )
  })
}

function describeFreeing(open: OpenStorageFunction): void {
  it.each([['hello'], [LONG]])('is free again when an upload is complete', async (content) => {
    const harness = await openForTest(open)
    const quota = content.length
    for (let i = 0; i < 3; i++) {
      await completeUpload(harness, { content, notes: { owner: 'me' }, quota })
      await receive(harness)
    }
    await harness.storage.create({ ...owned({ length: quota }), quota })
  })

  it('is free again when an upload was terminated', async () => {
    const harness = await openForTest(open)
    for (let i = 0; i < 3; i++) {
      const { uploadId } = await create(harness, { length: 100 })
      await harness.storage.terminate(uploadId, terminated(harness))
    }
    const { uploadId } = await create(harness, { length: null })
    await append(harness, uploadId, { content: contentOf('hello'), quota: QUOTA })
    await harness.storage.terminate(uploadId, terminated(harness))
    await create(harness, { length: 100 })
  })

  it('is free again when an upload has expired and the janitor was there', async () => {
    const harness = await openForTest(open)
    const notes = { owner: 'me', expiry: { afterMs: 1, sliding: false } }
    const upload = newUpload({ length: 100, notes, quota: QUOTA })
    await harness.storage.create(upload)
    const entry = await entryOf(harness, 'upload', upload.id)
    // Until then its bytes lie on the disk: a short expiry must not multiply a quota.
    await expect(create(harness, { length: 1 })).rejects.toMatchObject(EXCEEDED)
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(true)
    await create(harness, { length: 100 })
  })
}

function describeDeferred(open: OpenStorageFunction): void {
  it('counts what an upload without a length has, as it grows', async () => {
    const harness = await openForTest(open)
    const { uploadId: id } = await create(harness, { length: null })
    await append(harness, id, { content: contentOf('x'.repeat(60)), quota: QUOTA })
    await expect(create(harness, { length: 41 })).rejects.toMatchObject(EXCEEDED)
    await create(harness, { length: 30 })
    const more = { offset: 60, quota: QUOTA }
    const tooMuch = append(harness, id, { ...more, content: contentOf('x'.repeat(11)) })
    expect(await failureOf(tooMuch)).toMatchObject(EXCEEDED)
    await append(harness, id, { ...more, content: contentOf('x'.repeat(10)) })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 70 })
  })

  it('refuses a length that is told late, and does not keep it', async () => {
    const harness = await openForTest(open)
    const { uploadId: id } = await create(harness, { length: null })
    for (const content of [contentOf('hello'), contentOf(LONG)]) {
      const told = append(harness, id, { content, length: 200_000, quota: QUOTA })
      expect(await failureOf(told)).toMatchObject(EXCEEDED)
    }
    expect(await harness.storage.info(id)).toMatchObject({ length: null, offset: 0 })
    await append(harness, id, { content: contentOf('hello'), length: 90, quota: QUOTA })
    await expect(create(harness, { length: 11 })).rejects.toMatchObject(EXCEEDED)
  })

  it('refuses a long body by what is told of it, before its first byte is kept', async () => {
    const harness = await openForTest(open)
    const { uploadId: id } = await create(harness, { length: null })
    const quota = 250_000
    const body = { content: contentOf(LONG, LONG, LONG), contentLength: 300_000, quota }
    expect(await failureOf(append(harness, id, body))).toMatchObject(EXCEEDED)
    expect(await harness.storage.info(id)).toMatchObject({ offset: 0 })
  })

  it('keeps of a body of unknown length what there is room for', async () => {
    const harness = await openForTest(open)
    const { uploadId: id } = await create(harness, { length: null })
    const quota = 250_000
    const body = { content: contentOf(LONG, LONG, LONG), quota }
    expect(await failureOf(append(harness, id, body))).toMatchObject(EXCEEDED)
    expect(await harness.storage.info(id)).toMatchObject({ offset: 200_000 })
  })

  it('gives back what was reserved for bytes that did not come, with the next that do', async () => {
    const harness = await openForTest(open)
    const { uploadId: id } = await create(harness, { length: null })
    const cut = { content: contentCutAfter(LONG), contentLength: 200_000, quota: 200_000 }
    expect(await failureOf(append(harness, id, cut))).toBeInstanceOf(Error)
    const big = { ...owned({ length: 1000 }), quota: 200_000 }
    await expect(harness.storage.create(big)).rejects.toMatchObject(EXCEEDED)
    const more = { offset: 100_000, content: contentOf('hello'), quota: 200_000 }
    await append(harness, id, more)
    await harness.storage.create(big)
  })

  it('shares a quota between bodies of unknown length at the same time', async () => {
    const harness = await openForTest(open)
    const quota = 550_000
    const bodies = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { uploadId } = await create(harness, { length: null })
        const content = stalledContent()
        const done = failureOf(append(harness, uploadId, { content, quota }))
        await content.asked
        return { uploadId, content, done }
      }),
    )
    for (const { content } of bodies) content.send(LONG)
    const failures = await Promise.all(bodies.map(({ done }) => done))
    expect(failures.filter((failure) => failure === undefined)).toHaveLength(5)
    for (const failure of failures) if (failure) expect(failure).toMatchObject(EXCEEDED)
  })
}

function owned(given: Partial<NewUpload>, owner = 'me'): NewUpload {
  return newUpload({ ...given, notes: { owner } })
}

/** Creates an upload of `owner` within the quota. */
function create(
  { storage }: Harness,
  given: Partial<NewUpload>,
  owner?: string,
): Promise<StoredUpload> {
  return storage.create({ ...owned(given, owner), quota: QUOTA })
}

function append(
  { storage, completedDir }: Harness,
  id: string,
  request: Partial<AppendRequest> & Pick<AppendRequest, 'content'>,
): Promise<AppendResult> {
  return storage.append(id, { offset: 0, completedDir, ...request })
}

/** Why an append failed: before its first byte it is thrown, later it is a value. */
function failureOf(result: Promise<AppendResult>): Promise<unknown> {
  return result.then(
    ({ contentError }) => contentError,
    (error: unknown) => error,
  )
}

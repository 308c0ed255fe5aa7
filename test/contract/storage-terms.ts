/** What an append may ask for besides its bytes, and what is noted; part of the contract of a storage. @module */
import { expect, it } from 'vitest'
import type { FirstContent } from '../../src/store/storage.ts'
import { contentCutAfter, contentOf } from './content.ts'
import {
  entryOf,
  type Harness,
  listedIds,
  newUpload,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  startUpload,
} from './harness.ts'

/** As much as is not sent along in one message. */
const LONG = 'x'.repeat(100_000)

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeAppendTerms(open: OpenStorageFunction): void {
  describeFirst(open)
  describeLength(open)
  describeAtomic(open)
  describeSeal(open)
  describeNotes(open)

  // All bytes are recorded together with the end: whoever goes by the length would not tell it again.
  it.each([[{}], [{ complete: true }]])(
    'tells of offsets while content goes on, and never of one that is not recorded: %j',
    async (end) => {
      const harness = await openForTest(open)
      const id = await startUpload(harness, { length: 32_000_000 })
      const told: number[] = []
      const batch = Buffer.alloc(2_000_000)
      const content = contentOf(...Array.from({ length: 16 }, () => batch))
      await harness.storage.append(id, {
        ...harness,
        ...end,
        offset: 0,
        content,
        onOffset: (offset) => told.push(offset),
      })
      expect(told.length).toBeGreaterThan(0)
      expect(told).toEqual([...told].sort((a, b) => a - b))
      expect(told.every((offset) => offset % 2_000_000 === 0 && offset < 32_000_000)).toBe(true)
    },
  )
}

function describeFirst(open: OpenStorageFunction): void {
  const first = ({ completedDir }: Harness, ...texts: string[]): FirstContent => ({
    pieces: texts.map((text) => Buffer.from(text)),
    completedDir,
  })

  it('begins with the first bytes', async () => {
    const harness = await openForTest(open)
    const { storage } = harness
    const created = await storage.create(newUpload({ length: 10 }), first(harness, 'he', 'llo'))
    expect(created).toMatchObject({ offset: 5, state: 'receiving' })
    expect(await storage.info(created.uploadId)).toEqual(created)
    await append(harness, created.uploadId, { offset: 5, content: contentOf('world') })
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })

  it('is complete with all bytes', async () => {
    const harness = await openForTest(open)
    const created = await harness.storage.create(newUpload({ length: 5 }), first(harness, 'hello'))
    expect(created).toMatchObject({ offset: 5, state: 'completed' })
    expect(await listedIds(harness)).toEqual([])
    expect(await receive(harness)).toEqual({ id: created.uploadId, bytes: Buffer.from('hello') })
  })

  it('seals a part of a later upload where it is', async () => {
    const harness = await openForTest(open)
    const notes = { concat: { field: 'partial' } }
    const upload = newUpload({ length: 5, notes })
    expect(await harness.storage.create(upload, first(harness, 'hello'))).toMatchObject({
      state: 'sealed',
    })
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it.each([
    [{ length: 4 }, {}, 'ERR_UPLOAD_SIZE_EXCEEDED'],
    [{ length: null }, { maxSize: 4 }, 'ERR_MAX_SIZE_EXCEEDED'],
  ])('makes nothing of too many bytes, %j %j', async (given, more, code) => {
    const harness = await openForTest(open)
    const upload = newUpload(given)
    const creating = harness.storage.create(upload, { ...first(harness, 'hello'), ...more })
    await expect(creating).rejects.toMatchObject({ code })
    await expect(harness.storage.info(upload.id)).rejects.toMatchObject({
      code: 'ERR_UPLOAD_NOT_FOUND',
    })
    expect(await listedIds(harness)).toEqual([])
  })
}

function describeLength(open: OpenStorageFunction): void {
  it.each([['world'], [LONG]])('completes at a length that comes with the bytes', async (rest) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, sent: 'hello' })
    const length = 5 + rest.length
    const { upload } = await append(harness, id, { offset: 5, content: contentOf(rest), length })
    expect(upload).toMatchObject({ length, offset: length, state: 'completed' })
    expect((await receive(harness)).bytes.toString()).toBe(`hello${rest}`)
  })

  it('completes at a length that comes without bytes', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, sent: 'hello' })
    const { upload } = await append(harness, id, { offset: 5, content: contentOf(), length: 5 })
    expect(upload.state).toBe('completed')
  })

  it('learns no length that no number can say', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null })
    const request = { offset: 0, content: contentOf('hello'), length: Number.POSITIVE_INFINITY }
    await expect(append(harness, id, request)).rejects.toMatchObject({
      code: 'ERR_MAX_SIZE_EXCEEDED',
    })
  })

  it('keeps a length that was told', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null })
    await append(harness, id, { offset: 0, content: contentOf('hello'), length: 10 })
    expect(await harness.storage.info(id)).toMatchObject({ length: 10, offset: 5 })
    const other = append(harness, id, { offset: 5, content: contentOf('world'), length: 11 })
    await expect(other).rejects.toMatchObject({ code: 'ERR_INVALID_UPLOAD_LENGTH', offset: 5 })
    expect(await harness.storage.info(id)).toMatchObject({ length: 10, offset: 5 })
  })

  it.each([['worlds'], [`${LONG}s`]])('bounds an upload without a length', async (rest) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, sent: 'hello' })
    const maxSize = 4 + rest.length
    const tooLong = append(harness, id, { offset: 5, content: contentOf(rest), maxSize })
    expect(await failureOf(tooLong)).toMatchObject({ code: 'ERR_MAX_SIZE_EXCEEDED', offset: 5 })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 5, length: null })
  })
}

function describeAtomic(open: OpenStorageFunction): void {
  it.each([['wor'], [LONG]])('keeps nothing of an atomic content that fails', async (part) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 1_000_000, sent: 'hello' })
    const content = contentCutAfter(part, part)
    const result = await append(harness, id, { offset: 5, content, atomic: true })
    expect(result).toMatchObject({ upload: { offset: 5 }, contentError: expect.any(Error) })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 5, state: 'receiving' })
    await append(harness, id, { offset: 5, content: contentOf('x'.repeat(999_995)) })
    expect((await receive(harness)).bytes.toString()).toBe(`hello${'x'.repeat(999_995)}`)
  })

  it.each([['wor'], [LONG]])('learns no length by an atomic content that fails', async (part) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, sent: 'hello' })
    const content = contentCutAfter(part, part)
    await append(harness, id, { offset: 5, content, atomic: true, length: 1_000_000 })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 5, length: null })
    const rest = 'x'.repeat(200_000)
    const right = { offset: 5, content: contentOf(rest, rest), atomic: true, length: 400_005 }
    expect((await append(harness, id, right)).upload).toMatchObject({ state: 'completed' })
    expect((await receive(harness)).bytes.byteLength).toBe(400_005)
  })

  it.each([['world'], [LONG]])('keeps all of an atomic content that does not', async (rest) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 5 + rest.length * 2, sent: 'hello' })
    const content = contentOf(rest, rest)
    const { upload } = await append(harness, id, { offset: 5, content, atomic: true })
    expect(upload.state).toBe('completed')
    expect((await receive(harness)).bytes.toString()).toBe(`hello${rest}${rest}`)
  })

  it('keeps nothing of an atomic content that is too long', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 150_000, sent: 'hello' })
    const content = contentOf(LONG, LONG)
    const result = append(harness, id, { offset: 5, content, atomic: true })
    expect(await failureOf(result)).toMatchObject({ code: 'ERR_UPLOAD_SIZE_EXCEEDED' })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 5, state: 'receiving' })
  })
}

function describeSeal(open: OpenStorageFunction): void {
  it.each([['world'], [LONG]])('seals what is to wait for a verdict', async (rest) => {
    const harness = await openForTest(open)
    const { storage, completedDir } = harness
    const id = await startUpload(harness, { length: 5 + rest.length, sent: 'hello' })
    const { upload } = await append(harness, id, {
      offset: 5,
      content: contentOf(rest),
      seal: true,
    })
    expect(upload).toMatchObject({ state: 'sealed', notes: { gated: true } })
    expect(await storage.info(id)).toEqual(upload)
    await expect(storage.finalize(id, completedDir)).rejects.toMatchObject({ name: 'UploadError' })
    expect((await entryOf(harness, 'upload', id)).complete).toBe(false)
    expect(await nothingToClaim(harness)).toBe(true)
    const answer = { status: 200, body: '{}' }
    expect(await storage.finalize(id, completedDir, { gated: false, answer })).toBe(true)
    expect(await harness.queue.find(id)).toMatchObject({ state: 'completed', notes: { answer } })
    expect((await receive(harness)).bytes.toString()).toBe(`hello${rest}`)
  })

  it('never hands out a part of a later upload', async () => {
    const harness = await openForTest(open)
    const { storage, completedDir } = harness
    const notes = { concat: { field: 'partial' } }
    const id = await startUpload(harness, { length: 5, sent: 'hello', notes })
    expect(await storage.info(id)).toMatchObject({ state: 'sealed', offset: 5, notes })
    await expect(storage.finalize(id, completedDir)).rejects.toMatchObject({ name: 'UploadError' })
    expect((await entryOf(harness, 'upload', id)).complete).toBe(false)
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('lets the janitor see what was refused', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const refusal = { status: 422, message: 'no' }
    await harness.storage.note(id, { refusal })
    const entry = await entryOf(harness, 'upload', id)
    expect(entry.refused).toBe(true)
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(true)
    expect(await harness.queue.find(id)).toMatchObject({ state: 'refused', notes: { refusal } })
  })
}

function describeNotes(open: OpenStorageFunction): void {
  it('keeps the notes of its creator, and adds to them', async () => {
    const harness = await openForTest(open)
    const minima = { size: 8, chunkSize: 4 }
    const notes = { owner: 'me', minima, expiry: { afterMs: 3_600_000, sliding: false } }
    const id = await startUpload(harness, { notes, sent: 'hello' })
    await harness.storage.note(id, { sniffed: true })
    const upload = await harness.storage.info(id)
    expect(upload.notes).toEqual({ ...notes, sniffed: true })
    expect(upload.expiresAt?.getTime()).toBeCloseTo(upload.createdAt.getTime() + 3_600_000, -1)
    const entry = await entryOf(harness, 'upload', id)
    expect(entry.expiresAtMs).toBeCloseTo(upload.createdAt.getTime() + 3_600_000, -1)
  })

  it('reads what was recorded and nothing beyond', async () => {
    const harness = await openForTest(open)
    const { storage } = harness
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const read = async (position: number, length: number): Promise<string> =>
      Buffer.from(await storage.read(id, position, length)).toString()
    expect(await read(0, 100)).toBe('hello')
    expect(await read(1, 3)).toBe('ell')
    expect(await read(5, 3)).toBe('')
  })

  it('lets whoever holds an upload note and finalize', async () => {
    const harness = await openForTest(open)
    const { storage, completedDir } = harness
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    await append(harness, id, { offset: 5, content: contentOf('world'), seal: true })
    const release = await storage.hold?.(id)
    await storage.note(id, { sniffed: true })
    expect(await storage.finalize(id, completedDir, { gated: false })).toBe(true)
    await release?.()
    expect((await receive(harness)).bytes.toString()).toBe('helloworld')
  })
}

/** Why an append failed: before its first byte it is thrown, later it is a value. */
function failureOf(result: ReturnType<Harness['storage']['append']>): Promise<unknown> {
  return result.then(
    ({ contentError }) => contentError,
    (error: unknown) => error,
  )
}

function append(
  { storage, completedDir }: Harness,
  id: string,
  request: Omit<Parameters<Harness['storage']['append']>[1], 'completedDir'>,
): ReturnType<Harness['storage']['append']> {
  return storage.append(id, { ...request, completedDir })
}

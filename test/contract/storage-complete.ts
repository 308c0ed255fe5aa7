/** Uploads whose end is told, not found at their length; part of the contract of a storage. @module */
import { describe, expect, it } from 'vitest'
import { contentCutAfter, contentOf } from './content.ts'
import {
  entryOf,
  type Harness,
  newUpload,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  startUpload,
} from './harness.ts'

/** As much as is not sent along in one message. */
const LONG = 'x'.repeat(100_000)
const BODIES = [['world'], [LONG]]

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeComplete(open: OpenStorageFunction): void {
  describe('an end that is told', () => {
    describeNotComplete(open)
    describeEnd(open)
    describeOtherEnd(open)
  })
}

function describeNotComplete(open: OpenStorageFunction): void {
  it.each(BODIES)('does not come with the length alone', async (rest) => {
    const harness = await openForTest(open)
    const length = 5 + rest.length
    const id = await startUpload(harness, { length, complete: false, sent: 'hello' })
    const content = contentOf(rest)
    const { upload } = await append(harness, id, { offset: 5, content, complete: false })
    expect(upload).toMatchObject({ offset: length, length, state: 'receiving' })
    expect(await harness.storage.info(id)).toMatchObject({ offset: length, state: 'receiving' })
    expect((await entryOf(harness, 'upload', id)).complete).toBe(false)
    expect(await nothingToClaim(harness)).toBe(true)
    const { storage, completedDir } = harness
    await expect(storage.finalize(id, completedDir)).rejects.toMatchObject({ name: 'UploadError' })
  })

  it('does not come with a length of 0', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 0, complete: false })
    expect(await harness.storage.info(id)).toMatchObject({ length: 0, state: 'receiving' })
  })

  it.each(BODIES)('does not come with a content that is cut off', async (part) => {
    const harness = await openForTest(open)
    const length = 5 + part.length
    const id = await startUpload(harness, { length, complete: false, sent: 'hello' })
    const content = contentCutAfter(part)
    const { upload } = await append(harness, id, { offset: 5, content, complete: true })
    expect(upload).toMatchObject({ offset: length, state: 'receiving' })
    expect(await harness.storage.info(id)).toMatchObject({ offset: length, state: 'receiving' })
  })

  it('leaves the length open where the content is cut off', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, complete: false })
    await append(harness, id, { offset: 0, content: contentCutAfter('hello'), complete: true })
    expect(await harness.storage.info(id)).toMatchObject({ offset: 5, length: null })
  })
}

function describeEnd(open: OpenStorageFunction): void {
  it.each(BODIES)('completes an upload and is its length', async (rest) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, complete: false, sent: 'hello' })
    const end = 5 + rest.length
    const content = contentOf(rest)
    const { upload } = await append(harness, id, { offset: 5, content, complete: true })
    expect(upload).toMatchObject({ offset: end, length: end, state: 'completed' })
    expect((await receive(harness)).bytes.toString()).toBe(`hello${rest}`)
  })

  it.each([[undefined], [true]])('comes without bytes (%s)', async (complete) => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 5, complete: false })
    await append(harness, id, { offset: 0, content: contentOf('hello'), complete: false })
    const how = complete === undefined ? {} : { complete }
    const { upload } = await append(harness, id, { offset: 5, content: contentOf(), ...how })
    expect(upload).toMatchObject({ offset: 5, length: 5, state: 'completed' })
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })

  it('makes an empty upload of one without a length', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, complete: false })
    const { upload } = await append(harness, id, {
      offset: 0,
      content: contentOf(),
      complete: true,
    })
    expect(upload).toMatchObject({ offset: 0, length: 0, state: 'completed' })
    expect((await receive(harness)).bytes).toHaveLength(0)
  })

  it('comes with the first bytes', async () => {
    const harness = await openForTest(open)
    const { storage, completedDir } = harness
    const pieces = [Buffer.from('hello')]
    const create = (length: number | null, complete: boolean) =>
      storage.create(newUpload({ length, complete: false }), { pieces, completedDir, complete })
    expect(await create(null, true)).toMatchObject({ length: 5, state: 'completed' })
    expect((await receive(harness)).bytes.toString()).toBe('hello')
    expect(await create(5, false)).toMatchObject({ offset: 5, length: 5, state: 'receiving' })
    await expect(create(6, true)).rejects.toMatchObject({ code: 'ERR_INVALID_UPLOAD_LENGTH' })
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('seals what is to wait for a verdict', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: null, complete: false })
    const content = contentOf('hello')
    const how = { offset: 0, content, complete: true, seal: true }
    const { upload } = await append(harness, id, how)
    expect(upload).toMatchObject({ length: 5, state: 'sealed', notes: { gated: true } })
    expect(await nothingToClaim(harness)).toBe(true)
  })
}

function describeOtherEnd(open: OpenStorageFunction): void {
  it.each(BODIES)('is refused before the length', async (rest) => {
    const harness = await openForTest(open)
    const length = 6 + rest.length
    const { uploadId: id } = await harness.storage.create(newUpload({ length, complete: false }))
    await append(harness, id, { offset: 0, content: contentOf('hello'), complete: false })
    const failure = await append(harness, id, {
      offset: 5,
      content: contentOf(rest),
      complete: true,
    }).then(
      ({ contentError }) => contentError,
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'ERR_INVALID_UPLOAD_LENGTH' })
    expect(await harness.storage.info(id)).toMatchObject({ length, state: 'receiving' })
  })
}

function append(
  { storage, completedDir }: Harness,
  id: string,
  request: Omit<Parameters<Harness['storage']['append']>[1], 'completedDir'>,
): ReturnType<Harness['storage']['append']> {
  return storage.append(id, { ...request, completedDir })
}

/** Concatenation; part of the contract of a storage that can do it. @module */
import { expect, it } from 'vitest'
import type { Concatenation } from '../../src/store/storage.ts'
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

const PART = { notes: { concat: { field: 'partial' } } }

function part(harness: Harness, sent: string, length = sent.length): Promise<string> {
  return startUpload(harness, { ...PART, length, sent })
}

async function final(harness: Harness, parts: string[], more = {}): Promise<string> {
  const notes = { concat: { field: 'final;', parts }, ...more }
  return (await harness.storage.create(newUpload({ length: null, notes }))).uploadId
}

function concatenationOf({ storage }: Harness): Concatenation {
  if (!storage.concatenation) throw new Error('it puts nothing together')
  return storage.concatenation
}

const request = ({ completedDir }: Harness) => ({
  completedDir,
  signal: new AbortController().signal,
})

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeConcatenation(open: OpenStorageFunction): void {
  it('fills a final upload with its parts, in order, and enqueues it', async () => {
    const harness = await openForTest(open)
    const [a, b, c] = [
      await part(harness, 'lo'),
      await part(harness, 'hel'),
      await part(harness, ''),
    ]
    const id = await final(harness, [b, c, a, b])
    const upload = await concatenationOf(harness).concat(id, request(harness))
    expect(upload).toMatchObject({ state: 'completed', length: 8, offset: 8 })
    expect(await receive(harness)).toEqual({ id, bytes: Buffer.from('hellohel') })
    expect(await harness.storage.info(a)).toMatchObject({ state: 'sealed', offset: 2 })
  })

  it('leaves one sealed that waits for its verdict', async () => {
    const harness = await openForTest(open)
    const id = await final(harness, [await part(harness, 'hello')], { gated: true })
    const upload = await concatenationOf(harness).concat(id, request(harness))
    expect(upload).toMatchObject({ state: 'sealed', offset: 5 })
    expect(await nothingToClaim(harness)).toBe(true)
    await harness.storage.finalize(id, harness.completedDir, { gated: false })
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })

  it.each(['unfinished', 'missing'])('changes nothing while a part is %s', async (how) => {
    const harness = await openForTest(open)
    const other = how === 'missing' ? crypto.randomUUID() : await part(harness, 'h', 2)
    const id = await final(harness, [await part(harness, 'hello'), other])
    const putting = concatenationOf(harness).concat(id, request(harness))
    await expect(putting).rejects.toMatchObject({ code: 'ERR_INVALID_CONCAT' })
    expect(await harness.storage.info(id)).toMatchObject({ state: 'receiving', offset: 0 })
    expect((await entryOf(harness, 'upload', id)).assemblable).toBeFalsy()
  })

  it.each([
    [{ maxSize: 4 }, {}, 'ERR_MAX_SIZE_EXCEEDED'],
    [{}, { minima: { size: 6, chunkSize: 0 } }, 'ERR_MIN_SIZE_NOT_REACHED'],
  ])('holds the sum of its parts to %j %j', async (bound, more, code) => {
    const harness = await openForTest(open)
    const concat = { field: 'final;', parts: [await part(harness, 'hello')], ...bound }
    const id = await final(harness, concat.parts, { concat, ...more })
    const putting = concatenationOf(harness).concat(id, request(harness))
    await expect(putting).rejects.toMatchObject({ code })
    expect(await harness.storage.info(id)).toMatchObject({ state: 'receiving', offset: 0 })
  })

  it('shows the janitor what can be put together', async () => {
    const harness = await openForTest(open)
    const id = await final(harness, [await part(harness, 'hello')])
    expect((await entryOf(harness, 'upload', id)).assemblable).toBe(true)
  })

  it('remembers who waits for whom', async () => {
    const harness = await openForTest(open)
    const concatenation = concatenationOf(harness)
    const [a, b] = [await part(harness, 'h', 2), await part(harness, 'h', 2)]
    const [first, second] = [await final(harness, [a, b]), await final(harness, [b])]
    await concatenation.want(first, [a, b])
    await concatenation.want(second, [b])
    expect(await concatenation.wantedBy(a)).toEqual([first])
    expect([...(await concatenation.wantedBy(b))].sort()).toEqual([first, second].sort())
    await concatenation.unwant(first, b)
    await concatenation.unwant(first, b)
    expect(await concatenation.wantedBy(b)).toEqual([second])
    expect(await concatenation.wantedBy(first)).toEqual([])
  })

  it('ends on a signal, and can be begun again', async () => {
    const harness = await openForTest(open)
    const id = await final(harness, [await part(harness, 'hello')])
    const signal = AbortSignal.abort(new Error('enough'))
    const { completedDir } = harness
    const ended = concatenationOf(harness).concat(id, { completedDir, signal })
    await expect(ended).rejects.toThrow('enough')
    await concatenationOf(harness).concat(id, request(harness))
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })
}

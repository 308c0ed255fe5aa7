/**
 * The behaviour every queue of completed uploads owes its workers, told through the interface alone.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UploadRecord } from '../../src/store/upload-record.ts'
import { contentOf } from './content.ts'
import {
  completeUpload,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  soon,
  startUpload,
  temporaryDirectory,
} from './harness.ts'

/** Runs the contract of a queue; `open` makes a fresh, empty storage per test. */
export function describeCompletedQueue(name: string, open: OpenStorageFunction): void {
  describe(`CompletedQueue: ${name}`, () => {
    describe('claim', () => describeClaim(open))
    describe('waiting', () => describeWaiting(open))
    describe('moveData', () => describeMoveData(open))
    describe('moveRecord', () => describeMoveRecord(open))
    describe('find', () => describeFind(open))
    describe('attempts', () => describeAttempts(open))
  })
}

function describeClaim(open: OpenStorageFunction): void {
  it('hands out a completed upload', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness, { content: 'hello' })
    expect(await receive(harness)).toEqual({ id, bytes: Buffer.from('hello') })
  })

  it('hands out an upload of length 0', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness, { content: '' })
    expect(await receive(harness)).toEqual({ id, bytes: Buffer.alloc(0) })
  })

  it('hands out the record with it', async () => {
    const harness = await openForTest(open)
    const given = { metadata: { filename: 'ä.txt' }, serverMetadata: { owner: '7' } }
    await completeUpload(harness, { content: 'hello', ...given })
    const claim = await harness.queue.claim(soon())
    expect(claim.record).toMatchObject({ ...given, length: 5, offset: 5 })
    await claim.release()
  })

  it('dates the record', async () => {
    const harness = await openForTest(open)
    const before = Date.now()
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    const { createdAt, lastWrite, finishedAt } = claim.record
    await claim.release()
    expect(createdAt.getTime()).toBeGreaterThanOrEqual(before - 1)
    expect(lastWrite.getTime()).toBeGreaterThanOrEqual(createdAt.getTime())
    expect(finishedAt?.getTime()).toBeGreaterThanOrEqual(createdAt.getTime())
    expect(finishedAt?.getTime()).toBeLessThanOrEqual(Date.now() + 1)
  })

  it('does not hand out an unfinished upload', async () => {
    const harness = await openForTest(open)
    await startUpload(harness, { length: 10, sent: 'hello' })
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('does not hand out what another claim holds', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    expect(await nothingToClaim(harness)).toBe(true)
    await claim.release()
  })

  it('does not hand it out through a queue that was opened a second time either', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    const queue = harness.storage.openQueue(harness.completedDir)
    expect(await nothingToClaim({ ...harness, queue })).toBe(true)
    await claim.release()
  })

  it('hands out each of many uploads to another of as many claims', async () => {
    const harness = await openForTest(open)
    const ids = await Promise.all(Array.from({ length: 10 }, () => completeUpload(harness)))
    const claims = await Promise.all(ids.map(() => harness.queue.claim(soon())))
    expect(claims.map(({ id }) => id).sort()).toEqual(ids.sort())
    for (const claim of claims) await claim.release()
  })

  it('hands out again what was released', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await harness.queue.claim(soon()).then((claim) => claim.release())
    expect(await receive(harness)).toEqual({ id, bytes: Buffer.from('hello') })
  })

  it('hands out again what was released after its record was moved', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness, { content: 'hello' })
    const claim = await harness.queue.claim(soon())
    await claim.moveRecord(join(await temporaryDirectory(), 'saved.json'), {})
    await claim.release()
    expect(await receive(harness)).toEqual({ id, bytes: Buffer.from('hello') })
  })

  it('does not hand out again what was acknowledged', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    await harness.queue.claim(soon()).then((claim) => claim.acknowledge())
    expect(await nothingToClaim(harness)).toBe(true)
  })

  it('does not hand out again what was released after its data was moved', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(join(await temporaryDirectory(), 'data'), {})
    await claim.release()
    expect(await nothingToClaim(harness)).toBe(true)
  })
}

function describeWaiting(open: OpenStorageFunction): void {
  it('waits for an upload to complete', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 10, sent: 'hello' })
    const claiming = harness.queue.claim(soon())
    await harness.storage.append(id, { ...harness, offset: 5, content: contentOf('world') })
    harness.queue.notify(id)
    const claim = await claiming
    expect(claim.id).toBe(id)
    await claim.release()
  })

  it('wakes within 50 ms once an upload completed in the same process', async () => {
    const harness = await openForTest(open)
    const waits: number[] = []
    for (let round = 0; round < 5; round++) {
      const id = await startUpload(harness, { length: 5 })
      const claiming = harness.queue.claim(soon())
      await harness.storage.append(id, { ...harness, offset: 0, content: contentOf('hello') })
      harness.queue.notify(id)
      const finished = performance.now()
      const claim = await claiming
      waits.push(performance.now() - finished)
      await claim.acknowledge()
    }
    // The best of five: a machine under load delays some, a poll delays all.
    expect(Math.min(...waits)).toBeLessThan(50)
  })

  it('wakes when another claim is released', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const holder = await harness.queue.claim(soon())
    const claiming = harness.queue.claim(soon())
    await holder.release()
    const claim = await claiming
    expect(claim.id).toBe(id)
    await claim.release()
  })

  it('gives one upload to one of several that wait', async () => {
    const harness = await openForTest(open)
    const controllers = Array.from({ length: 4 }, () => new AbortController())
    const claiming = controllers.map(({ signal }) => harness.queue.claim({ signal }))
    const id = await completeUpload(harness)
    const claim = await Promise.race(claiming)
    expect(claim.id).toBe(id)
    expect(await nothingToClaim(harness)).toBe(true)
    for (const controller of controllers) controller.abort()
    const ends = await Promise.allSettled(claiming)
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await claim.release()
  })

  it('ends with the reason of its signal', async () => {
    const harness = await openForTest(open)
    const controller = new AbortController()
    const claiming = harness.queue.claim(controller)
    const reason = new Error('shutting down')
    controller.abort(reason)
    await expect(claiming).rejects.toBe(reason)
  })

  it('does not begin when its signal has fired, and holds nothing', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    const reason = new Error('shutting down')
    await expect(harness.queue.claim({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })

  it('loses no upload to a claim that was aborted', async () => {
    const harness = await openForTest(open)
    const controller = new AbortController()
    const claiming = harness.queue.claim(controller)
    controller.abort()
    await claiming.catch(() => {})
    const id = await completeUpload(harness)
    expect((await receive(harness)).id).toBe(id)
  })

  it('survives being told of an upload that is not there', async () => {
    const harness = await openForTest(open)
    const claiming = harness.queue.claim(soon())
    harness.queue.notify(randomUUID())
    const id = await completeUpload(harness)
    const claim = await claiming
    expect(claim.id).toBe(id)
    await claim.release()
  })
}

function describeMoveData(open: OpenStorageFunction): void {
  it('moves the bytes to the path it resolves with', async () => {
    const harness = await openForTest(open)
    const dest = join(await temporaryDirectory(), 'saved')
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    expect(await claim.moveData(dest, {})).toBe(dest)
    expect(await readFile(dest, 'utf8')).toBe('hello')
    await claim.acknowledge()
  })

  it('keeps the id as name in a directory', async () => {
    const harness = await openForTest(open)
    const directory = await temporaryDirectory()
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    expect(await claim.moveData(directory, {})).toBe(join(directory, id))
    expect(await readFile(join(directory, id), 'utf8')).toBe('hello')
    await claim.acknowledge()
  })

  it('replaces a file that is already there', async () => {
    const harness = await openForTest(open)
    const dest = await fileNamed('saved', 'something older and longer')
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(dest, {})
    expect(await readFile(dest, 'utf8')).toBe('hello')
    await claim.acknowledge()
  })

  it('leaves a file that is already there when told so', async () => {
    const harness = await openForTest(open)
    const dest = await fileNamed('saved', 'precious')
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await expect(claim.moveData(dest, { overwrite: false })).rejects.toMatchObject({
      code: 'ERR_FILE_EXISTS',
    })
    expect(await readFile(dest, 'utf8')).toBe('precious')
    await claim.release()
  })

  it('still has the data after it met a file', async () => {
    const harness = await openForTest(open)
    const dest = await fileNamed('saved', 'precious')
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(dest, { overwrite: false }).catch(() => {})
    await claim.moveData(`${dest}_1`, { overwrite: false })
    expect(await readFile(`${dest}_1`, 'utf8')).toBe('hello')
    await claim.acknowledge()
  })

  it('meets files in a directory as well', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const dest = await fileNamed(id, 'precious')
    const claim = await harness.queue.claim(soon())
    await expect(claim.moveData(join(dest, '..'), { overwrite: false })).rejects.toMatchObject({
      code: 'ERR_FILE_EXISTS',
    })
    expect(await readFile(dest, 'utf8')).toBe('precious')
    await claim.release()
  })

  it('fails without losing the upload where the place to go does not exist', async () => {
    const harness = await openForTest(open)
    const dest = join(await temporaryDirectory(), 'no', 'such', 'directory')
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await expect(claim.moveData(dest, {})).rejects.toThrow()
    await claim.release()
    expect(await receive(harness)).toEqual({ id, bytes: Buffer.from('hello') })
  })

  it('leaves the saved file when the upload is acknowledged', async () => {
    const harness = await openForTest(open)
    const dest = join(await temporaryDirectory(), 'saved')
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(dest, {})
    await claim.acknowledge()
    expect(await readFile(dest, 'utf8')).toBe('hello')
  })
}

function describeMoveRecord(open: OpenStorageFunction): void {
  it('writes a record that reads back as it was', async () => {
    const harness = await openForTest(open)
    const dest = join(await temporaryDirectory(), 'saved.json')
    await completeUpload(harness, { metadata: { filename: 'ä.txt' }, serverMetadata: { o: '7' } })
    const claim = await harness.queue.claim(soon())
    expect(await claim.moveRecord(dest, {})).toBe(dest)
    expect(await UploadRecord.fromFile(dest)).toEqual(claim.record)
    await claim.acknowledge()
  })

  it('keeps the id as name in a directory, beside the data', async () => {
    const harness = await openForTest(open)
    const directory = await temporaryDirectory()
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(directory, {})
    expect(await claim.moveRecord(directory, {})).toBe(join(directory, `${id}.meta`))
    expect(await readFile(join(directory, id), 'utf8')).toBe('hello')
    await claim.acknowledge()
  })

  it('goes before the data as well as after it', async () => {
    const harness = await openForTest(open)
    const directory = await temporaryDirectory()
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveRecord(join(directory, 'saved.json'), {})
    await claim.moveData(join(directory, 'saved'), {})
    await claim.acknowledge()
    expect(await readFile(join(directory, 'saved'), 'utf8')).toBe('hello')
  })

  it('leaves a file that is already there when told so', async () => {
    const harness = await openForTest(open)
    const dest = await fileNamed('saved.json', 'precious')
    await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await expect(claim.moveRecord(dest, { overwrite: false })).rejects.toMatchObject({
      code: 'ERR_FILE_EXISTS',
    })
    expect(await readFile(dest, 'utf8')).toBe('precious')
    await claim.release()
  })

  it('is removed with the upload when it was not saved', async () => {
    const harness = await openForTest(open)
    const directory = await temporaryDirectory()
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(directory, {})
    await claim.acknowledge()
    await expect(access(join(directory, `${id}.meta`))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(access(join(harness.completedDir, `${id}.meta`))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
}

function describeFind(open: OpenStorageFunction): void {
  it('knows nothing of an upload that was not created', async () => {
    const harness = await openForTest(open)
    expect(await harness.queue.find(randomUUID())).toBeUndefined()
  })

  it('knows nothing of an unfinished upload', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { sent: 'hello' })
    expect(await harness.queue.find(id)).toBeUndefined()
  })

  it('finds an upload that waits, with everything the creator gave', async () => {
    const harness = await openForTest(open)
    const given = { metadata: { a: 'b' }, uploadMetadata: 'a Yg==', serverMetadata: { c: 'd' } }
    const id = await completeUpload(harness, given)
    expect(await harness.queue.find(id)).toMatchObject({
      uploadId: id,
      length: 5,
      offset: 5,
      state: 'completed',
      ...given,
    })
  })

  it('finds an upload while a worker holds it', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    expect(await harness.queue.find(id)).toMatchObject({ offset: 5, state: 'completed' })
    await claim.release()
  })

  it('finds an upload whose data a worker has moved already', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveData(await temporaryDirectory(), {})
    expect(await harness.queue.find(id)).toMatchObject({ length: 5, offset: 5 })
    await claim.acknowledge()
  })

  it('finds an upload whose record a worker has moved already', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveRecord(await temporaryDirectory(), {})
    expect(await harness.queue.find(id)).toMatchObject({ length: 5, offset: 5 })
    await claim.acknowledge()
  })

  it('finds an upload whose data and record a worker has moved already', async () => {
    const harness = await openForTest(open)
    const directory = await temporaryDirectory()
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await claim.moveRecord(directory, {})
    await claim.moveData(directory, {})
    expect(await harness.queue.find(id)).toMatchObject({ length: 5, offset: 5 })
    await claim.acknowledge()
  })

  it('finds an upload that was released', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await harness.queue.claim(soon()).then((claim) => claim.release())
    expect(await harness.queue.find(id)).toMatchObject({ offset: 5, state: 'completed' })
  })

  it('remembers an upload that was acknowledged', async () => {
    const harness = await openForTest(open)
    const { id } = await completeUpload(harness).then(() => receive(harness))
    expect(await harness.queue.find(id)).toMatchObject({
      uploadId: id,
      length: 5,
      offset: 5,
      state: 'acknowledged',
    })
  })

  it('remembers the metadata of an upload that was acknowledged', async () => {
    const harness = await openForTest(open)
    const given = { metadata: { a: 'b' }, uploadMetadata: 'a Yg==' }
    const { id } = await completeUpload(harness, given).then(() => receive(harness))
    expect(await harness.queue.find(id)).toMatchObject({ uploadMetadata: 'a Yg==' })
  })
}

function describeAttempts(open: OpenStorageFunction): void {
  const counted = () => ({ ...soon(), counted: true })

  it('are counted where that is wanted, and else not', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    const plain = await harness.queue.claim(soon())
    expect(plain.attempt).toBe(0)
    await plain.release()
    const first = await harness.queue.claim(counted())
    expect(first.attempt).toBe(1)
    await first.retry(0)
    const second = await harness.queue.claim(counted())
    expect(second.attempt).toBe(2)
    await second.acknowledge()
  })

  it('are taken back by a release', async () => {
    const harness = await openForTest(open)
    await completeUpload(harness)
    for (let i = 0; i < 3; i++) {
      const claim = await harness.queue.claim(counted())
      expect(claim.attempt).toBe(1)
      await claim.release()
    }
  })

  it('wait as long as they shall, whoever asks, and no longer', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const before = Date.now()
    await (await harness.queue.claim(counted())).retry(600)
    expect(await nothingToClaim(harness)).toBe(true)
    const again = await harness.queue.claim(soon())
    expect(again.id).toBe(id)
    expect(Date.now() - before).toBeGreaterThanOrEqual(600)
    await again.acknowledge()
  })

  it('end by giving up, for good', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await (await harness.queue.claim(counted())).bury('enough')
    expect(await nothingToClaim(harness)).toBe(true)
    const entries = []
    for await (const entry of harness.storage.entries(harness.completedDir)) entries.push(entry)
    expect(entries).toEqual([expect.objectContaining({ kind: 'dead', id })])
  })
}

async function fileNamed(name: string, content: string): Promise<string> {
  const path = join(await temporaryDirectory(), name)
  await writeFile(path, content)
  return path
}

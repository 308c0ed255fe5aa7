/** Termination; part of the contract of a storage. @module */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  completeUpload,
  entryOf,
  nothingToClaim,
  type OpenStorageFunction,
  openForTest,
  receive,
  soon,
  startUpload,
  terminated,
} from './harness.ts'

const GONE = { code: 'ERR_UPLOAD_GONE' }

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeTerminate(open: OpenStorageFunction): void {
  it('removes an unfinished upload and remembers how it ended', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { sent: 'hello', metadata: { a: 'b' } })
    await harness.storage.terminate(id, terminated(harness))
    await expect(harness.storage.info(id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' })
    expect(await harness.queue.find(id)).toMatchObject({
      state: 'terminated',
      offset: 5,
      metadata: { a: 'b' },
    })
  })

  it('remembers a refusal with its reason', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { sent: 'hello' })
    const refusal = { status: 422, message: 'no picture' }
    const how = { ...terminated(harness), end: 'refused', notes: { refusal } } as const
    await harness.storage.terminate(id, how)
    expect(await harness.queue.find(id)).toMatchObject({ state: 'refused', notes: { refusal } })
  })

  it('removes a completed upload that no worker has', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    await harness.storage.terminate(id, terminated(harness))
    expect(await nothingToClaim(harness)).toBe(true)
    expect(await harness.queue.find(id)).toMatchObject({ state: 'terminated' })
  })

  it('leaves what a worker holds to the worker', async () => {
    const harness = await openForTest(open)
    const id = await completeUpload(harness)
    const claim = await harness.queue.claim(soon())
    await expect(harness.storage.terminate(id, terminated(harness))).rejects.toMatchObject({
      code: 'ERR_UPLOAD_LOCKED',
    })
    await claim.release()
    expect((await receive(harness)).bytes.toString()).toBe('hello')
  })

  it('has nothing to remove of what is gone or never was', async () => {
    const harness = await openForTest(open)
    const { storage } = harness
    const id = await startUpload(harness)
    await storage.terminate(id, terminated(harness))
    await expect(storage.terminate(id, terminated(harness))).rejects.toMatchObject(GONE)
    await completeUpload(harness)
    const done = await receive(harness)
    await expect(storage.terminate(done.id, terminated(harness))).rejects.toMatchObject(GONE)
    await expect(storage.terminate(randomUUID(), terminated(harness))).rejects.toMatchObject({
      code: 'ERR_UPLOAD_NOT_FOUND',
    })
  })

  it('shows the janitor what it remembers, and forgets it then', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness)
    await harness.storage.terminate(id, terminated(harness))
    const entry = await entryOf(harness, 'tombstone', id)
    expect(await harness.storage.discard(entry, harness.completedDir)).toBe(true)
    expect(await harness.queue.find(id)).toBeUndefined()
  })
}

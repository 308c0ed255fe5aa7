/** Waiting for whoever holds an upload: two storages on one directory stand for two processes. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FilesystemStorage, UploadError } from 'tussi'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { temporaryDirectory } from '../serve.ts'

const ID = '11111111-2222-4333-8444-555555555555'
const LENGTH = 10_000_000

async function openTwo() {
  const root = await temporaryDirectory()
  const directory = join(root, 'uploads')
  const [holder, newcomer] = [
    new FilesystemStorage({ directory }),
    new FilesystemStorage({ directory }),
  ]
  onTestFinished(async () => {
    await holder.close()
    await newcomer.close()
  })
  const nothing = { metadata: {}, serverMetadata: {}, uploadMetadata: '' }
  await holder.create({ id: ID, length: LENGTH, ...nothing })
  return { holder, newcomer, completedDir: join(root, 'completed') }
}

/** A body of small pieces, each after a pause, until it is stopped. */
function trickle() {
  const stopped = new AbortController()
  const read = async () => {
    await delay(50, undefined, { signal: stopped.signal })
    return { pieces: [new Uint8Array(1000)], byteLength: 1000, last: false }
  }
  return { read, stop: () => stopped.abort(new UploadError('ERR_UPLOAD_INTERRUPTED', 'stopped')) }
}

/** Sets the clock back, but leaves the timers alone. */
function setClockBack(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
}

afterEach(() => void vi.useRealTimers())

describe('waiting for another process', () => {
  it('asks again: somebody else may have taken the upload since the first time', async () => {
    const { holder, newcomer, completedDir } = await openTwo()
    const content = trickle()
    let asked = 0
    holder.onStopRequest(() => {
      asked++
      if (asked === 2) content.stop()
    })
    const appending = holder.append(ID, { offset: 0, content, completedDir })
    await expect.poll(async () => (await holder.info(ID)).offset).toBeGreaterThan(0)
    const found = await newcomer.settledInfo(ID).finally(content.stop)
    expect((await appending).upload.offset).toBe(found.offset)
    expect(asked).toBe(2)
  })

  it('ends in time when the clock is set back', async () => {
    const { holder, newcomer, completedDir } = await openTwo()
    const content = trickle()
    const appending = holder.append(ID, { offset: 0, content, completedDir })
    await expect.poll(async () => (await holder.info(ID)).offset).toBeGreaterThan(0)
    const waiting = newcomer.settledInfo(ID)
    await delay(100)
    setClockBack()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_UPLOAD_LOCKED' })
    content.stop()
    await appending
  }, 15_000)
})

describe('a long body', () => {
  it('is recorded in time when the clock is set back', async () => {
    const { holder, completedDir } = await openTwo()
    const content = trickle()
    const appending = holder.append(ID, { offset: 0, content, completedDir })
    await expect.poll(async () => (await holder.info(ID)).offset).toBeGreaterThan(0)
    // Now there are bytes that wait for their time.
    await delay(200)
    setClockBack()
    const { offset } = await holder.info(ID)
    await expect
      .poll(async () => (await holder.info(ID)).offset, { timeout: 3000 })
      .toBeGreaterThan(offset + 20_000)
    content.stop()
    await appending
  })
})

/** Appends that meet each other, or a deletion; part of the contract of a storage. @module */
import { expect, it } from 'vitest'
import { contentOf, stalledContent } from './content.ts'
import {
  type OpenStorageFunction,
  openForTest,
  receive,
  startUpload,
  terminated,
} from './harness.ts'

/** Runs this part; `open` makes a fresh, empty storage per test. */
export function describeConcurrentAppends(open: OpenStorageFunction): void {
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

  it('refuses the bytes of a stalled append whose upload was terminated', async () => {
    const harness = await openForTest(open)
    const id = await startUpload(harness, { length: 20 })
    const content = stalledContent()
    const stalled = harness.storage.append(id, { ...harness, offset: 0, content })
    stalled.catch(() => {})
    await content.asked
    await harness.storage.terminate(id, terminated(harness))
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

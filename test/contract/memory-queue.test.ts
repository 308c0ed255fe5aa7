/** What only the queue in memory can get wrong: nobody polls there. @module */
import { expect, it, onTestFinished, vi } from 'vitest'
import { MemoryStorage } from '../../src/store/memory/memory-storage.ts'
import { completeUpload, openForTest, soon } from './harness.ts'

it('wakes a waiting claim once an upload is due, also when its timer was early', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const harness = await openForTest(async () => ({
    storage: new MemoryStorage(),
    completedDir: 'completed',
    close: async () => {},
  }))
  const id = await completeUpload(harness)
  const dueMs = Date.now() + 20
  await (await harness.queue.claim(soon())).retry(20)
  const claiming = harness.queue.claim(soon())
  // The clock stands still while the timer runs out.
  await new Promise((resolve) => setTimeout(resolve, 60))
  vi.setSystemTime(dueMs)
  expect((await claiming).id).toBe(id)
})

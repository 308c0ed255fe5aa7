import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStorage } from '../../src/store/memory/memory-storage.ts'
import { describeCompletedQueue } from './completed-queue.ts'
import type { OpenStorage } from './harness.ts'
import { describeStorage } from './storage.ts'

describeStorage('memory', openMemory)
describeCompletedQueue('memory', openMemory)

async function openMemory(): Promise<OpenStorage> {
  return {
    storage: new MemoryStorage(),
    completedDir: join(tmpdir(), 'tussi-memory-completed'),
    close: async () => {},
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FilesystemStorage } from 'tussi'
import { describeCompletedQueue } from './completed-queue.ts'
import type { OpenStorageFunction } from './harness.ts'
import { describeStorage } from './storage.ts'

for (const fsync of [true, false]) {
  describeStorage(`filesystem, fsync: ${fsync}`, openFilesystem(fsync))
  describeCompletedQueue(`filesystem, fsync: ${fsync}`, openFilesystem(fsync))
}

function openFilesystem(fsync: boolean): OpenStorageFunction {
  return async () => {
    const root = await mkdtemp(join(tmpdir(), 'tussi-contract-'))
    return {
      storage: new FilesystemStorage({ directory: join(root, 'uploads'), fsync }),
      completedDir: join(root, 'completed'),
      close: () => rm(root, { recursive: true, force: true }),
    }
  }
}

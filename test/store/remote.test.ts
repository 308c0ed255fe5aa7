/** What is said of file systems that promise less. No such system is at hand: `statfs` is told one. @module */
import type { StatsFs } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { FilesystemStorage } from '../../src/store/fs/filesystem-storage.ts'
import { temporaryDirectory } from '../serve.ts'

const EXT4 = 0xef53
const type = vi.hoisted(() => ({ value: 0 }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const statfsSync = (path: string): StatsFs =>
    ({ ...fs.statfsSync(path), type: type.value }) as StatsFs
  return { ...fs, statfsSync }
})

async function warningsOn(fileSystem: number): Promise<string[]> {
  type.value = fileSystem
  const warnings: string[] = []
  const logger = { info() {}, warn: (message: string) => void warnings.push(message), error() {} }
  const storage = new FilesystemStorage({ directory: await temporaryDirectory(), logger })
  await storage.close()
  return warnings
}

describe('a storage', () => {
  it.each([
    ['NFS', 0x6969],
    ['CIFS', 0xff534d42],
    ['SMB2', 0xfe534d42],
    ['FUSE', 0x65735546],
  ])('on %s warns once of what it cannot promise there', async (name, fileSystem) => {
    expect(await warningsOn(fileSystem)).toEqual([
      expect.stringMatching(new RegExp(`is on ${name}: that locks and syncs hold .* up to that`)),
    ])
  })

  it('on a local file system warns of nothing', async () => {
    expect(await warningsOn(EXT4)).toEqual([])
  })
})

/**
 * Where the file system can share blocks, a concatenation takes no room: more is put together than the
 * disk could hold twice.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startServer } from '../cli/commands.ts'
import { run } from '../run.ts'
import { sha256, temporaryDirectory } from '../serve.ts'
import { concatenate, createPart } from './parts.ts'

const DISK_BYTES = 400 * 2 ** 20
const PARTS = 4
/** Whole blocks, which is what can be shared. */
const PART_BYTES = 60 * 2 ** 20
const DATA = 'completed'

/** A disk that is too small. */
async function mount(kind: string): Promise<string> {
  const image = join(await temporaryDirectory(), 'disk')
  const folder = await temporaryDirectory()
  await writeFile(image, '')
  await truncate(image, DISK_BYTES)
  expect(await run(`mkfs.${kind}`, ['-q', image]), `a ${kind}`).toMatchObject({ code: 0 })
  const mounted = await run('mount', ['-o', 'loop', image, folder])
  expect(mounted, 'only root may mount').toMatchObject({ code: 0 })
  onTestFinished(async () => void (await run('umount', ['--lazy', folder])))
  return folder
}

/** Parts of `bytes` each, and the sum of the whole. */
async function createParts(url: string, bytes: number): Promise<[parts: string[], sum: string]> {
  const hash = createHash('sha256')
  const parts: string[] = []
  for (let i = 1; i <= PARTS; i++) {
    const data = Buffer.alloc(bytes, i)
    hash.update(data)
    parts.push(await createPart(url, data))
  }
  return [parts, hash.digest('hex')]
}

describe.each(['xfs', 'btrfs'])('on %s', (kind) => {
  it('parts of whole blocks are put together without room for a copy', async () => {
    const disk = await mount(kind)
    const flags = ['--upload-dir', disk, '--completed-dir', join(disk, DATA), '--workers', '0']
    const { url, stop } = await startServer(await temporaryDirectory(), flags)
    const [parts, sum] = await createParts(url, PART_BYTES)
    const { status, headers } = await concatenate(url, parts)
    expect(status).toBe(201)
    const id = headers.get('location')?.split('/').at(-1) ?? ''
    expect(await sha256(join(disk, DATA, id))).toBe(sum)
    expect(await stop()).toMatchObject({ code: 0 })
  })

  it('others are copied, and for want of room the parts stay', async () => {
    const disk = await mount(kind)
    const flags = ['--upload-dir', disk, '--completed-dir', join(disk, DATA), '--workers', '0']
    const { url, stop } = await startServer(await temporaryDirectory(), flags)
    const [parts] = await createParts(url, PART_BYTES + 1)
    expect((await concatenate(url, parts)).status).toBe(507)
    const names = await readdir(disk)
    for (const part of parts) expect(names).toContain(part.split('/').at(-1))
    expect(await stop()).toMatchObject({ code: 0 })
  })
})

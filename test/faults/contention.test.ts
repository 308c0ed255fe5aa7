/**
 * Many clients fight for one upload through several server processes, each with bytes of its own: what
 * stands in the end is one history of appends, each of them whole.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { start } from '../run.ts'
import { createUpload, idOf, patch, TUS, temporaryDirectory } from '../serve.ts'
import { mutant } from './mutant.ts'
import { seeded } from './seeded.ts'

const CLIENTS = 8
const LENGTH = 2_000_000

/** One acknowledged append: the bytes from..to are the client's. */
interface Appended {
  readonly from: number
  readonly to: number
  readonly by: number
}

async function offsetOrBusy(url: string): Promise<number | undefined> {
  const head = await fetch(url, { method: 'HEAD', headers: TUS })
  return head.status === 200 ? Number(head.headers.get('upload-offset')) : undefined
}

/** Lets them fight and resolves with what is wrong in the end, in words. */
async function fightOver(main: string, processes: number): Promise<string[]> {
  const cwd = await temporaryDirectory()
  const flags = [main, '--port', '0', '--workers', '0', '--no-fsync']
  const urls: string[] = []
  for (let i = 0; i < processes; i++) {
    const server = start(process.execPath, flags, { cwd })
    urls.push((await server.until(/^listening on (http:\S+)$/m))[1] ?? '')
  }
  const id = idOf(await createUpload(urls[0] ?? '', LENGTH))
  const appended: Appended[] = []
  const fight = async (by: number): Promise<void> => {
    const random = seeded(by)
    const url = `${urls[by % processes]}${id}`
    for (;;) {
      const offset = await offsetOrBusy(url)
      if (offset === LENGTH) return
      if (offset === undefined) continue
      // Small bodies ride in a message, large ones are written by the main thread.
      const size = Math.floor(random() < 0.7 ? 1 + random() * 30_000 : 70_000 + random() * 100_000)
      const body = Buffer.alloc(Math.min(size, LENGTH - offset), by + 1)
      const response = await patch(url, offset, body).catch(() => undefined)
      const told = Number(response?.headers.get('upload-offset'))
      // The last append may be repeated, and nobody compares what a repetition brings.
      if (response?.status === 204 && told < LENGTH) appended.push({ from: offset, to: told, by })
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, by) => fight(by)))
  return judge(await readFile(join(cwd, 'uploads', '.completed', id)), appended)
}

function judge(bytes: Buffer, appended: readonly Appended[]): string[] {
  const wrong: string[] = []
  if (bytes.length !== LENGTH || bytes.includes(0)) wrong.push('bytes are missing')
  const ranges = [...appended].sort((a, b) => a.from - b.from)
  for (const [i, { from, to, by }] of ranges.entries()) {
    const whole = bytes.subarray(from, to).every((byte) => byte === by + 1)
    if (!whole) wrong.push(`${from} to ${to} was acknowledged to ${by} and is not there`)
    const before = ranges[i - 1]
    if (before && from < before.to) wrong.push(`${from} was acknowledged twice`)
  }
  return wrong
}

describe('eight clients and one upload', () => {
  it.each([1, 4])('through %d server processes', async (processes) => {
    expect(await fightOver(SERVER, processes)).toEqual([])
  })

  it('would not go well without the comparison of offsets', async () => {
    const file = join('store', 'fs', 'append.js')
    const main = await mutant(file, 'record.offset !== offset ||', 'false ||')
    expect(await fightOver(main, 4)).not.toEqual([])
  })
})

/** No answer leaves before what it acknowledges is on the disk: read from the system calls. @module */
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { temporaryDirectory } from '../serve.ts'
import { mutant } from './mutant.ts'
import { sendAllKinds } from './order.ts'
import { type Call, findBrokenPromises, startTraced } from './trace.ts'

async function trace(main: string, flags: string[] = []): Promise<{ calls: Call[]; cwd: string }> {
  const cwd = await realpath(await temporaryDirectory())
  const server = await startTraced(main, cwd, ['--completed-dir', 'completed', ...flags])
  await sendAllKinds(server.url)
  return { calls: await server.end(), cwd }
}

const answers = (calls: readonly Call[]): number =>
  calls.filter(({ text }) => /"HTTP\/1\.1 20[14] /.test(text)).length

describe('the order of system calls', () => {
  it('keeps the first promise for every kind of upload', async () => {
    const { calls, cwd } = await trace(SERVER)
    expect(answers(calls)).toBe(5 + 7)
    expect(findBrokenPromises(calls, cwd)).toEqual([])
  })

  it('without fsync has no sync after the start, and the same steps', async () => {
    const { calls, cwd } = await trace(SERVER, ['--no-fsync'])
    const first = calls.findIndex(({ text }) => text.includes('listening on'))
    const later = calls.slice(first)
    expect(later.filter(({ name }) => name === 'fsync' || name === 'fdatasync')).toEqual([])
    const renames = later.filter(
      ({ name, paths }) => name === 'rename' && paths[0]?.startsWith(cwd),
    )
    expect(renames.length).toBeGreaterThanOrEqual(5 + 7 + 5)
  })
})

/** A sync taken out of the built server; the suite above must notice. */
const MUTATIONS: readonly (readonly [string, string, string, string])[] = [
  [
    'of a small body',
    'append.js',
    'yield* syncData(io, fd);\n        const appended',
    'const appended',
  ],
  [
    'of a long body',
    'append.js',
    'yield* syncData(io, fd);\n        return yield* recordOffset',
    'return yield* recordOffset',
  ],
  ['of a record’s content', 'record-file.js', 'yield* syncData(io, fd);', ''],
  ['of a record’s entry', 'record-file.js', 'yield* syncDirectory(io, dirname(path));', ''],
  ['of the completed directory', 'finalize.js', 'yield* syncDirectory(io, completedDir);', ''],
  ['of the upload directory', 'finalize.js', 'yield* syncDirectory(io, io.directory);', ''],
]

describe('the suite notices a missing sync', () => {
  it.each(MUTATIONS)('%s', async (_what, file, code, without) => {
    const main = await mutant(join('store', 'fs', file), code, without)
    const { calls, cwd } = await trace(main)
    expect(findBrokenPromises(calls, cwd)).not.toEqual([])
  })
})

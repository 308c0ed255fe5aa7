/** A server that dies at a step of a concatenation, or has no room for it. @module */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SERVER, startServer } from '../cli/commands.ts'
import { sha256, sha256Of, temporaryDirectory } from '../serve.ts'
import { concatenate, createPart } from './parts.ts'
import { seededBytes } from './seeded.ts'
import { straced } from './strace.ts'

const DATA = seededBytes(7, 300_000)
const FLAGS = ['--workers', '0', '--completed-dir', 'completed']

async function createParts(url: string): Promise<string[]> {
  const parts: string[] = []
  for (const at of [0, 100_000, 200_000]) {
    parts.push(await createPart(url, DATA.subarray(at, at + 100_000)))
  }
  return parts
}

/** The one upload that is complete, whole, and nothing is left of its parts. */
async function expectOne(cwd: string): Promise<void> {
  const names = await readdir(join(cwd, 'completed'))
  const uploads = names.filter((name) => /^[0-9a-f-]{36}$/.test(name))
  expect(uploads).toHaveLength(1)
  expect(await sha256(join(cwd, 'completed', uploads[0] ?? ''))).toBe(sha256Of(DATA))
}

/** Counted from the start of the server: so many of each belong to it and to the parts. */
const STEPS: readonly (readonly [string, number])[] = [
  ...[1, 2, 3].map((when) => ['copy_file_range', when] as const),
  ['ftruncate', 1],
]

it.each(STEPS)(
  'killed at %s number %d it leaves parts and upload to be put together',
  async (call, when) => {
    const cwd = await temporaryDirectory()
    const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${when}`]
    const doomed = straced(cwd, ['-o', '/dev/null', ...inject], SERVER, FLAGS)
    const [, url = ''] = await doomed.until(/^listening on (http:\S+)$/m)
    const parts = await createParts(url)
    await expect(concatenate(url, parts)).rejects.toThrow()
    await doomed.ended
    const revived = await startServer(cwd, FLAGS)
    const [first, second] = [
      await concatenate(revived.url, parts),
      await concatenate(revived.url, parts),
    ]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(idIn(second)).toBe(idIn(first))
    await expectOne(cwd)
    expect(await revived.stop()).toMatchObject({ code: 0 })
  },
)

it.each(['ENOSPC', 'EIO'])('a copy that fails with %s can be tried again', async (code) => {
  const cwd = await temporaryDirectory()
  const inject = [
    '-e',
    'trace=copy_file_range',
    '-e',
    `inject=copy_file_range:error=${code}:when=2`,
  ]
  const server = straced(cwd, ['-o', '/dev/null', ...inject], SERVER, FLAGS)
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  const parts = await createParts(url)
  expect((await concatenate(url, parts)).status).toBe(code === 'ENOSPC' ? 507 : 500)
  expect((await concatenate(url, parts)).status).toBe(201)
  await expectOne(cwd)
})

it('without copy_file_range the bytes go through memory', async () => {
  const cwd = await temporaryDirectory()
  const inject = ['-e', 'trace=copy_file_range', '-e', 'inject=copy_file_range:error=EOPNOTSUPP']
  const server = straced(cwd, ['-o', '/dev/null', ...inject], SERVER, FLAGS)
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  expect((await concatenate(url, await createParts(url))).status).toBe(201)
  await expectOne(cwd)
})

function idIn(response: Response): string | undefined {
  return response.headers.get('location')?.split('/').at(-1)
}

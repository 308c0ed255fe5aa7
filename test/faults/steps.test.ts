/**
 * The server is killed at a chosen system call: every n-th rename, sync, write and removal of
 * create, append, finalize, claim, save and acknowledge. What a restart finds is finished.
 *
 * @module
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SERVER, saved, startServer } from '../cli/commands.ts'
import type { Running } from '../run.ts'
import { sha256, sha256Of, temporaryDirectory } from '../serve.ts'
import { sendStubbornly } from './client.ts'
import { seededBytes } from './seeded.ts'
import { straced } from './strace.ts'

/** System calls and how often each happens, at most, in one thread of the scenario. */
const STEPS = {
  rename: 6,
  renameat2: 1,
  fdatasync: 6,
  fsync: 9,
  unlink: 3,
  pwrite64: 1,
  pwritev: 2,
  fallocate: 1,
  write: 14,
}

const CASES = Object.entries(STEPS).flatMap(([call, most]) =>
  Array.from({ length: most }, (_, i) => [call, i + 1] as const),
)

/** The same in the middle of one body that is long enough for checkpoints. */
const CHECKPOINTS = [
  ['pwritev', 9],
  ['rename', 3],
  ['rename', 4],
  ['fdatasync', 3],
  ['fdatasync', 4],
  ['fdatasync', 5],
  ['fsync', 2],
  ['fsync', 3],
] as const

let deaths = 0

it.each(CASES)('killed at %s number %d', (call, when) =>
  // One body that is written by the main thread, and one that rides in a message.
  dieAt(call, when, { length: 150_000, chunkSize: 100_000 }),
)

it.each(CHECKPOINTS)('killed in a long body at %s number %d', (call, when) =>
  dieAt(call, when, { length: 20_000_000, chunkSize: 20_000_000 }),
)

async function dieAt(
  call: string,
  when: number,
  { length, chunkSize }: { length: number; chunkSize: number },
): Promise<void> {
  const cwd = await temporaryDirectory()
  const data = seededBytes(when, length)
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${when}`]
  const flags = ['--upload-dir', 'uploads', '--dest-dir', 'dest']
  // In each thread calls are counted anew: one thread writes all batches.
  const options = ['-E', 'UV_THREADPOOL_SIZE=1', '-o', '/dev/null', ...inject]
  const doomed = straced(cwd, options, SERVER, flags)
  let dead = false
  const death = doomed.ended.then(() => {
    dead = true
  })
  const url = await listening(doomed, death)
  const port = url === undefined ? '0' : new URL(url).port
  const revived = death.then(() => startServer(cwd, ['--port', port]))
  const sending = sendStubbornly({
    url: url ?? (await revived).url,
    name: 'a.bin',
    data,
    chunkSize,
    signal: AbortSignal.timeout(60_000),
  })
  await sending
  await Promise.race([saved(cwd, 'a.bin'), death])
  if (dead) {
    deaths++
    await revived
    await expect
      .poll(() => sha256(join(cwd, 'dest', 'a.bin')).catch(() => ''), { timeout: 15_000 })
      .toBe(sha256Of(data))
  } else {
    expect(await sha256(join(cwd, 'dest', 'a.bin'))).toBe(sha256Of(data))
    await doomed.stop('SIGKILL')
    await revived
  }
}

it('most of these steps are really met', () => {
  expect(deaths).toBeGreaterThan((CASES.length + CHECKPOINTS.length) / 2)
})

/** The URL, or `undefined` for a server that was killed before it listened. */
async function listening(running: Running, death: Promise<void>): Promise<string | undefined> {
  const found = running.until(/^listening on (http:\S+)$/m).then(([, url]) => url)
  return Promise.race([found.catch(() => undefined), death.then(() => undefined)])
}

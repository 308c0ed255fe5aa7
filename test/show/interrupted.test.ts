/**
 * The promise in one test: a large file goes from `tussi-upload` to `npm start`; the client is
 * killed on the way and run again, the server is killed and started again, and the file that
 * arrives is the one that was sent.
 *
 * `TUSSI_SHOW_BYTES` makes it larger: 1073741824 for the full 1 GiB.
 *
 * @module
 */
import { createHash, randomFillSync } from 'node:crypto'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { recordOf, saved, UPLOAD } from '../cli/commands.ts'
import { type Running, start } from '../run.ts'
import { offsetOf, sha256, temporaryDirectory } from '../serve.ts'

const LENGTH = Number(process.env.TUSSI_SHOW_BYTES ?? 256 * 2 ** 20)
const PROJECT = new URL('../..', import.meta.url).pathname

/** Random bytes in a file, and their sum. */
async function writeSource(path: string): Promise<string> {
  const hash = createHash('sha256')
  const block = Buffer.alloc(4 * 2 ** 20)
  const file = await open(path, 'w')
  for (let left = LENGTH; left > 0; left -= block.length) {
    const piece = randomFillSync(block).subarray(0, left)
    hash.update(piece)
    await file.write(piece)
  }
  await file.close()
  return hash.digest('hex')
}

/** `npm start`, as a stranger types it; resolves once it listens. */
async function npmStart(cwd: string, port: string): Promise<Running & { url: string }> {
  const flags = [
    '--port',
    port,
    '--upload-dir',
    join(cwd, 'uploads'),
    '--dest-dir',
    join(cwd, 'dest'),
  ]
  const running = start('npm', ['start', '--silent', '--', ...flags], { cwd: PROJECT })
  const [, url = ''] = await running.until(/^listening on (http:\S+)$/m)
  return { ...running, url }
}

/** The server itself below npm and its shell, for a signal that leaves it no time. */
async function killServer(running: Running): Promise<void> {
  const pids = await descendants(running.child.pid ?? 0)
  const server = pids.at(-1)
  if (server === undefined) throw new Error('npm start has no child')
  process.kill(server, 'SIGKILL')
  await running.ended
}

async function descendants(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8')),
  )
  const children = lists
    .flatMap((text) => text.trim().split(' '))
    .filter(Boolean)
    .map(Number)
  const below = await Promise.all(children.map(descendants))
  return [...children, ...below.flat()]
}

/** Waits until the only upload in the storage has `part` of its bytes; resolves with its offset. */
async function untilPart(cwd: string, part: number): Promise<number> {
  let offset = 0
  await expect
    .poll(
      async () => {
        const names = await readdir(join(cwd, 'uploads'))
        const name = names.find((each) => each.endsWith('.meta'))
        if (name === undefined) return 0
        const record = await recordOf(join(cwd, 'uploads', name.slice(0, -5))).catch(
          () => undefined,
        )
        offset = Number(record?.offset ?? 0)
        return offset
      },
      { timeout: 120_000, interval: 5 },
    )
    .toBeGreaterThan(LENGTH * part)
  return offset
}

it('arrives whole, whoever is killed on the way', async () => {
  const cwd = await temporaryDirectory()
  const sum = await writeSource(join(cwd, 'film.bin'))
  const server = await npmStart(cwd, '0')
  const { port } = new URL(server.url)
  const flags = [UPLOAD, '--url', server.url, '--chunk-size', '1048576', 'film.bin']

  const first = start(process.execPath, flags, { cwd })
  const acknowledged = await untilPart(cwd, 0.4)
  await first.stop('SIGKILL')
  const progress = JSON.parse(await readFile(join(cwd, 'tus-progress.json'), 'utf8'))
  const [{ uploadUrl }] = Object.values(progress) as [{ uploadUrl: string }]
  expect(await offsetOf(uploadUrl)).toBeGreaterThanOrEqual(acknowledged)

  const second = start(process.execPath, flags, { cwd })
  const before = await untilPart(cwd, 0.7)
  await killServer(server)
  const again = await npmStart(cwd, port)
  expect(await second.ended).toMatchObject({ code: 0 })
  expect(second.stdout()).toMatch(/resuming film\.bin/)
  expect(before).toBeLessThan(LENGTH)

  await saved(cwd, 'film.bin')
  expect(await sha256(join(cwd, 'dest', 'film.bin'))).toBe(sum)
  expect(await recordOf(join(cwd, 'dest', 'film.bin'))).toMatchObject({
    length: LENGTH,
    offset: LENGTH,
    metadata: { filename: 'film.bin' },
  })
  expect(await again.stop('SIGTERM')).toMatchObject({ code: 0 })
})

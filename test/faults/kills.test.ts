/**
 * The server is killed at random moments while uploads are under way and workers save. Nothing
 * acknowledged is lost, nothing wrong is kept, and every upload is saved once.
 *
 * `TUSSI_KILLS` and `TUSSI_SEED` make it longer or repeat it.
 *
 * @module
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Upload } from 'tus-js-client'
import { expect, it } from 'vitest'
import { type RunningServer, recordOf, startServer } from '../cli/commands.ts'
import { sha256, sha256Of, temporaryDirectory } from '../serve.ts'
import { type StubbornOptions, sendStubbornly } from './client.ts'
import { fromEnvironment, seeded, seededBytes } from './seeded.ts'

const KILLS = fromEnvironment('TUSSI_KILLS', 50)
const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)
const CLIENTS = 4

/** Every second client is the one that people use. */
async function send(client: number, options: StubbornOptions): Promise<unknown> {
  if (client % 2 === 0) return sendStubbornly(options)
  const { url, name, data, chunkSize } = options
  return new Promise<void>((resolve, reject) => {
    const upload = new Upload(Buffer.from(data), {
      endpoint: url,
      chunkSize,
      metadata: { filename: name },
      // On a busy machine a server takes long to come back, and may be killed before it answers.
      retryDelays: Array.from({ length: 20_000 }, () => 20),
      onError: reject,
      onSuccess: () => resolve(),
    })
    upload.start()
  })
}

/** One that was killed a moment ago may still be listed. */
function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The processes that a server has started. */
async function childrenOf({ child: { pid } }: RunningServer): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

it.each([[[]], [['--no-fsync']], [['--processes', '3']]])(
  '%j: kill -9 at random moments',
  async (flags) => {
    const cwd = await temporaryDirectory()
    const random = seeded(SEED)
    const start = (port: string): Promise<RunningServer> =>
      startServer(cwd, [...flags, '--workers', '2', '--port', port])
    let server = await start('0')
    const { port } = new URL(server.url)
    const sent = new Map<string, string>()
    let stopping = false
    const kill = async (): Promise<void> => {
      const children = await childrenOf(server)
      if (children.length > 0) {
        // One of several: the others go on, and the first process replaces it.
        killIfAlive(children[Math.floor(random() * children.length)] ?? 0)
        return
      }
      await server.stop('SIGKILL')
      server = await start(port)
    }
    const client = async (number: number): Promise<void> => {
      for (let i = 0; !stopping; i++) {
        const name = `client-${number}-upload-${i}.bin`
        const length = Math.floor(seeded(SEED + number * 1000 + i)() * 3_000_000)
        const data = seededBytes(SEED + number * 1000 + i, length)
        const chunkSize = i % 2 === 0 ? 40_000 : 700_000
        const signal = AbortSignal.timeout(120_000)
        await send(number, { url: server.url, name, data, chunkSize, signal })
        sent.set(name, sha256Of(data))
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)))
    const failed = clients.then(
      () => undefined,
      (error: unknown) => error,
    )
    for (let i = 0; i < KILLS; i++) {
      await delay(5 + random() * 120)
      await kill()
    }
    stopping = true
    const error = await failed
    expect(error, `seed ${SEED}`).toBeUndefined()
    await expectAllSaved(cwd, sent)
    expect(await server.stop('SIGTERM')).toMatchObject({ code: 0 })
  },
  20_000 + KILLS * 3000,
)

/** Every upload lies in the destination once, whole, with its record, and nothing else is left. */
async function expectAllSaved(cwd: string, sent: ReadonlyMap<string, string>): Promise<void> {
  const completed = join(cwd, 'uploads', '.completed')
  await expect
    .poll(() => readdir(completed).then((names) => names.filter(isData)), { timeout: 30_000 })
    .toEqual([])
  const saved = (await readdir(join(cwd, 'dest'))).filter((name) => !name.endsWith('.meta'))
  expect(sent.size).toBeGreaterThan(0)
  expect(saved.filter((name) => !name.startsWith('.tussi-')).sort()).toEqual(
    [...sent.keys()].sort(),
  )
  for (const [name, sum] of sent) {
    expect(await sha256(join(cwd, 'dest', name)), name).toBe(sum)
  }
  const records = saved.map((name) => recordOf(join(cwd, 'dest', name)).catch(() => undefined))
  const known = (await Promise.all(records)).filter((record) => record !== undefined)
  // A kill between the file and its record leaves the file alone: it was saved, and is not again.
  expect(known.length).toBeGreaterThanOrEqual(saved.length - KILLS)
}

function isData(name: string): boolean {
  return /^[0-9a-f-]{36}$/.test(name)
}

/** What a crash in the middle of a long body can cost its sender. @module */
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { SERVER, startServer } from '../cli/commands.ts'
import { createUpload, idOf, offsetOf, patch, temporaryDirectory } from '../serve.ts'
import { mutant } from './mutant.ts'
import { startRecorded } from './recording.ts'

const MIB = 2 ** 20
const LENGTH = 40 * MIB

/** The most bytes that were in the file and not yet in the record while one body was written. */
async function mostAtRisk(main: string, flags: readonly string[]): Promise<number> {
  const cwd = await temporaryDirectory()
  const recorded = await startRecorded(main, cwd, flags)
  const location = await createUpload(recorded.url, LENGTH)
  const data = Buffer.alloc(LENGTH, 'x')
  expect((await patch(location, 0, data)).status).toBe(204)
  const id = idOf(location)
  const contents = (path: string): Buffer | undefined => (path.endsWith(id) ? data : undefined)
  let [atRisk, most] = [0, 0]
  for (const event of await recorded.end(contents)) {
    if (event.kind === 'write' && event.path.endsWith(id)) atRisk += event.bytes.length
    if (event.kind === 'rename' && event.to.endsWith(`${id}.meta`)) atRisk = 0
    most = Math.max(most, atRisk)
  }
  return most
}

describe('a crash in a long body', () => {
  it('costs at most 8 MiB', async () => {
    const most = await mostAtRisk(SERVER, [])
    expect(most).toBeLessThanOrEqual(8 * MIB)
    expect(most).toBeGreaterThan(4 * MIB)
  })

  it('costs at most one batch of 2 MiB without fsync', async () => {
    expect(await mostAtRisk(SERVER, ['--no-fsync'])).toBeLessThanOrEqual(2 * MIB)
  })

  it('would cost more without checkpoints', async () => {
    const file = join('store', 'fs', 'append-stream.js')
    const main = await mutant(file, 'CHECKPOINT_BYTES = 6 * 2 ** 20', 'CHECKPOINT_BYTES = 2 ** 40')
    expect(await mostAtRisk(main, [])).toBeGreaterThan(8 * MIB)
  })

  it('costs a slow sender about a second', async () => {
    const cwd = await temporaryDirectory()
    const server = await startServer(cwd)
    const url = await createUpload(server.url, MIB)
    const { port, pathname } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined)
    socket.write(
      `PATCH ${pathname} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n` +
        `Content-Type: application/offset+octet-stream\r\nContent-Length: ${MIB}\r\n\r\n`,
    )
    const started = performance.now()
    const sent: { readonly bytes: number; readonly at: number }[] = []
    while (performance.now() - started < 4000) {
      socket.write(Buffer.alloc(5000))
      sent.push({ bytes: 5000, at: performance.now() })
      await delay(40)
    }
    const killedAt = performance.now()
    await server.stop('SIGKILL')
    socket.destroy()
    const { port: same } = new URL(server.url)
    await startServer(cwd, ['--port', same])
    // A second of patience for the machine besides the one that is promised.
    const due = sent.filter(({ at }) => at < killedAt - 2000)
    expect(await offsetOf(url)).toBeGreaterThanOrEqual(due.length * 5000)
  })
})

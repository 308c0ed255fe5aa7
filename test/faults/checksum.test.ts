/** A server that dies in the middle of a body whose checksum nobody has seen. @module */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { saved, startServer } from '../cli/commands.ts'
import { beginRequest } from '../raw-request.ts'
import {
  createUpload,
  idOf,
  offsetOf,
  patch,
  sha256,
  sha256Of,
  temporaryDirectory,
} from '../serve.ts'
import { seededBytes } from './seeded.ts'

/** More than what would be recorded on the way if it were not for the checksum. */
const SENT = 9_000_000

it.each([[[]], [['--no-fsync']]])(
  '%j: kept nothing of it, and goes on from where the upload stood',
  async (flags) => {
    const cwd = await temporaryDirectory()
    const data = seededBytes(1, 12_000_000)
    const first = await startServer(cwd, flags)
    const { port } = new URL(first.url)
    const location = await createUpload(first.url, data.length, { filename: 'a' })
    expect((await patch(location, 0, data.subarray(0, 1000))).status).toBe(204)
    const sum = createHash('sha1').update(data.subarray(1000)).digest('base64')
    const { socket } = await beginRequest(location, {
      method: 'PATCH',
      length: data.length - 1000,
      sent: data.subarray(1000, SENT),
      fields: { 'Upload-Offset': '1000', 'Upload-Checksum': `sha1 ${sum}` },
    })
    // The bytes are in the file, and nowhere else.
    const file = join(cwd, 'uploads', idOf(location))
    const written = async () => (await readFile(file)).subarray(SENT - 100, SENT)
    await expect.poll(written, { timeout: 10_000 }).toEqual(data.subarray(SENT - 100, SENT))
    await first.stop('SIGKILL')
    socket.destroy()
    const second = await startServer(cwd, [...flags, '--port', port])
    expect(await offsetOf(location)).toBe(1000)
    expect((await patch(location, 1000, data.subarray(1000))).status).toBe(204)
    await saved(cwd, 'a')
    expect(await sha256(join(cwd, 'dest', 'a'))).toBe(sha256Of(data))
    expect(await second.stop()).toMatchObject({ code: 0 })
  },
)

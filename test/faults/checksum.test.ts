/** A server that dies in the middle of a body whose checksum nobody has seen. @module */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { saved, startServer } from '../cli/commands.ts'
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

it('kept nothing of it, and goes on from where the upload stood', async () => {
  const cwd = await temporaryDirectory()
  const data = seededBytes(1, 6_000_000)
  const first = await startServer(cwd)
  const { port } = new URL(first.url)
  const location = await createUpload(first.url, data.length, { filename: 'a' })
  expect((await patch(location, 0, data.subarray(0, 1000))).status).toBe(204)
  const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  const sum = createHash('sha1').update(data.subarray(1000)).digest('base64')
  socket.write(
    `PATCH ${new URL(location).pathname} HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\n` +
      'Content-Type: application/offset+octet-stream\r\nUpload-Offset: 1000\r\n' +
      `Upload-Checksum: sha1 ${sum}\r\nContent-Length: ${data.length - 1000}\r\n\r\n`,
  )
  socket.write(data.subarray(1000, 4_000_000))
  // The bytes are in the file, and nowhere else.
  const file = join(cwd, 'uploads', idOf(location))
  const written = async () => (await readFile(file)).subarray(3_900_000, 3_900_100)
  await expect.poll(written, { timeout: 10_000 }).toEqual(data.subarray(3_900_000, 3_900_100))
  await first.stop('SIGKILL')
  socket.destroy()
  const second = await startServer(cwd, ['--port', port])
  expect(await offsetOf(location)).toBe(1000)
  expect((await patch(location, 1000, data.subarray(1000))).status).toBe(204)
  await saved(cwd, 'a')
  expect(await sha256(join(cwd, 'dest', 'a'))).toBe(sha256Of(data))
  expect(await second.stop()).toMatchObject({ code: 0 })
})

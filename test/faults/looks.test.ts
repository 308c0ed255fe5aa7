/**
 * Looks that cannot be answered from memory, for the kernel has not got it there, cannot say so, or must not:
 * the answer is the same.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { createUpload, offsetOf, patch, temporaryDirectory } from '../serve.ts'
import { straced } from './strace.ts'

it.each([
  // The first one asks whether there is such a call.
  ['openat2', 'ENOSYS', '1+'],
  ['openat2', 'EPERM', '1+'],
  ['openat2', 'EAGAIN', '2+'],
  ['openat2', 'EAGAIN', '3+2'],
  ['openat2', 'EMFILE', '2+'],
  ['preadv2', 'EAGAIN', '1+'],
  ['preadv2', 'EOPNOTSUPP', '1+'],
  ['preadv2', 'EIO', '1+'],
])('%s fails with %s, number %s', async (call, error, when) => {
  const cwd = await temporaryDirectory()
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${when}`]
  const options = ['--no-fsync', '--workers', '0', '--completed-dir', 'completed']
  const server = straced(cwd, ['-o', join(cwd, 'trace'), ...inject], SERVER, options)
  const [, url = ''] = await server.until(/^listening on (http:\S+)$/m)
  const location = await createUpload(url, 100)
  for (let offset = 0; offset < 100; offset += 20) {
    expect(await offsetOf(location)).toBe(offset)
    expect((await patch(location, offset, Buffer.alloc(20))).status).toBe(204)
  }
  expect((await server.stop()).code).toBe(0)
  expect(await readFile(join(cwd, 'trace'), 'utf8')).toContain(error)
})

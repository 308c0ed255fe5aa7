/**
 * tussi as a listener of `node:http`, the way its README shows: `node tussi-listener.mjs PORT DIRECTORY
 * fsync|no-fsync`. The command attaches itself to its server instead.
 *
 * @module
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { FilesystemStorage, TusApp } from 'tussi'

const [port = '', directory = '', sync = ''] = process.argv.slice(2)
const storage = new FilesystemStorage({
  directory: join(directory, 'uploads'),
  fsync: sync === 'fsync',
})
const completedDir = join(directory, 'completed')
const tus = new TusApp({ storage, completedDir, maxChunkSize: null })
createServer({ requestTimeout: 0 }, tus.listener).listen(Number(port), '127.0.0.1')

/**
 * A server of the library below the directory and at the port that it is given. It has no janitor: a
 * pass of it over a million uploads would be taken for what their neighbours cost.
 *
 * @module
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { FilesystemStorage, TusApp } from 'tussi'

const [directory = '', port] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory: join(directory, 'uploads'), fsync: false })
const tus = new TusApp({ storage, completedDir: join(directory, 'completed') })
createServer({ requestTimeout: 0 }, tus.listener).listen(Number(port), '127.0.0.1')

/**
 * tus-node-server as a process: the directory and the options as JSON are its arguments.
 *
 * @module
 */
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const [, , directory = '', json = '{}'] = process.argv
const { maxSize, expiration } = JSON.parse(json)
const datastore = new FileStore({ directory, expirationPeriodInMilliseconds: expiration?.afterMs })
const tus = new Server({ path: '/files', datastore, maxSize })
const server = tus.listen({ host: '127.0.0.1', port: 0 }, () => {
  process.stdout.write(`listening on ${server.address()?.port}\n`)
})

/**
 * `@tus/server` with its file store, the way its README shows: `node tus-node-server.mjs PORT DIRECTORY`.
 *
 * @module
 */
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const [port = '', directory = ''] = process.argv.slice(2)
const server = new Server({ path: '/files', datastore: new FileStore({ directory }) })
server.listen({ host: '127.0.0.1', port: Number(port) }).requestTimeout = 0

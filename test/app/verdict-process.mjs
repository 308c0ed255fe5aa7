// A server of verdict-processes.test.ts: its onComplete says that it was called and waits for a file.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { FilesystemStorage, TusApp } from 'tussi'

const [root] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory: `${root}/uploads` })
const tus = new TusApp({
  storage,
  completedDir: `${root}/completed`,
  onComplete: async ({ uploadId }) => {
    process.stdout.write(`asked ${uploadId}\n`)
    while (!existsSync(`${root}/go`)) await delay(5)
    return { body: process.pid }
  },
})
const server = createServer(tus.listener).listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`listening on http://127.0.0.1:${server.address().port}/files/\n`)

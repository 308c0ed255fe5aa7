// A server of network.test.ts and fuzz.test.ts that tells of itself: a line on standard input, an answer
// on standard output. It is the server of the command, with options that the command has no flags for.
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [dist, root, given] = process.argv.slice(2)
const { FilesystemStorage, TusApp } = await import(join(dist, 'index.js'))
const { createHttpServer, serverUrl } = await import(join(dist, 'cli', 'http-server.js'))
const { fsync, http, ...options } = JSON.parse(given)
const storage = new FilesystemStorage({ directory: join(root, 'uploads'), fsync })
const tus = new TusApp({ storage, completedDir: join(root, 'completed'), ...options })
const server = Object.assign(createHttpServer(tus, { accessLog: false }), http)

function count(names) {
  const counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** What the descriptors lead to; the one that reads the directory leads nowhere any more. */
function descriptors() {
  const path = '/proc/self/fd'
  const targets = readdirSync(path).flatMap((fd) => {
    try {
      return [readlinkSync(join(path, fd)).replace(/:.*|[0-9a-f-]{36}/, '')]
    } catch {
      return []
    }
  })
  return count(targets.sort())
}

function listenersOf(emitter) {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
}

async function state() {
  // What one pass lets go of may hold what the next one finds.
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    heapUsed: process.memoryUsage().heapUsed,
    external: process.memoryUsage().external,
    resources: count(process.getActiveResourcesInfo()),
    listeners: listenersOf(process) + listenersOf(server),
    descriptors: descriptors(),
  }
}

createInterface({ input: process.stdin }).on('line', async (number) => {
  process.stdout.write(`state ${number} ${JSON.stringify(await state())}\n`)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ${serverUrl(server, '127.0.0.1')}\n`)
})
process.once('SIGTERM', async () => {
  server.close()
  await tus.close()
  server.closeAllConnections()
  await storage.close()
  process.stdin.destroy()
})

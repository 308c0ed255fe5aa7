// A worker process of workers.test.ts: claims until told to end, one line for each upload.
import { setTimeout as delay } from 'node:timers/promises'
import { FilesystemStorage, TusApp } from 'tussi'

const [root, holdMs] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory: `${root}/uploads` })
const tus = new TusApp({ storage, completedDir: `${root}/completed` })
const stop = new AbortController()
process.stdin.on('end', () => stop.abort()).resume()
console.log('ready')
while (!stop.signal.aborted) {
  try {
    const upload = await tus.waitForFile({ signal: stop.signal })
    console.log(`claimed ${upload.name} ${Date.now() - Number(upload.record.finishedAt)}`)
    await delay(Number(holdMs))
    await upload.acknowledge()
    console.log(`done ${upload.name}`)
  } catch (error) {
    if (!stop.signal.aborted) throw error
  }
}
await storage.close()

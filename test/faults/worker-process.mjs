// A worker of workers.test.ts: says when it holds an upload and when it has acknowledged it.
import { setTimeout as delay } from 'node:timers/promises'
import { FilesystemStorage, TusApp } from 'tussi'

const [root] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory: `${root}/uploads`, fsync: false })
const tus = new TusApp({ storage, completedDir: `${root}/completed` })
const say = (line) => process.stdout.write(`${line} ${Date.now()}\n`)
await tus.work(
  async (upload) => {
    say(`claimed ${upload.name}`)
    await delay(Math.random() * 20)
    // Before the acknowledgement, for after it another worker may be told of another upload only.
    say(`ending ${upload.name}`)
    await upload.acknowledge()
    say(`done ${upload.name}`)
  },
  { maxAttempts: 1000, backoff: () => 0 },
)

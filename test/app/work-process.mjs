// A worker process of work.test.ts: says what it was given and never ends by itself.
import { FilesystemStorage, TusApp } from 'tussi'

const [root, maxAttempts] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory: `${root}/uploads` })
const tus = new TusApp({ storage, completedDir: `${root}/completed` })
await tus.work(
  async (upload, { attempt }) => {
    console.log(`${upload.name} attempt ${attempt}`)
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  },
  { maxAttempts: Number(maxAttempts) },
)

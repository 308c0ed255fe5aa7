/**
 * A process that claims, or cleans up, in the directories below the one it is given; it tells in
 * JSON how long that took and how much memory.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FilesystemStorage, Janitor, TusApp } from 'tussi'
import { quantile } from '../statistics.mjs'

const CLAIMS = 500

const [work, root = ''] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory: join(root, 'uploads'), fsync: false })
const completedDir = join(root, 'completed')
const times = work === 'claims' ? await claim() : await clean()
await storage.close()
const status = readFileSync('/proc/self/status', 'utf8')
const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
const seconds = times.reduce((sum, ms) => sum + ms, 0) / 1000
const result = { p50: quantile(times, 0.5), p99: quantile(times, 0.99), seconds, peak }
process.stdout.write(`${JSON.stringify(result)}\n`)

/** Milliseconds of each claim. */
async function claim() {
  const tus = new TusApp({ storage, completedDir })
  const times = []
  for (let i = 0; i < CLAIMS; i++) {
    const start = performance.now()
    const upload = await tus.waitForFile({ timeoutMs: 100 }).catch(() => undefined)
    if (!upload) break
    times.push(performance.now() - start)
    await upload.acknowledge()
  }
  await tus.close()
  return times
}

async function clean() {
  const start = performance.now()
  await new Janitor({ storage, completedDir }).run()
  return [performance.now() - start]
}

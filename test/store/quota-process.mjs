// A process of quota.test.ts: makes uploads, of which the quota lets only one be at a time, and counts how
// often it met another.
import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { FilesystemStorage } from 'tussi'

const [directory, completedDir, alone, rounds] = process.argv.slice(2)
const storage = new FilesystemStorage({ directory, fsync: false })
const texts = { metadata: {}, uploadMetadata: '', serverMetadata: {} }
const upload = { length: 60, ...texts, notes: { owner: 'me' }, quota: 100 }
const results = { made: 0, refused: 0, met: 0 }

function isAlone() {
  try {
    writeFileSync(alone, '', { flag: 'wx' })
    return true
  } catch {
    return false
  }
}

await new Promise((resolve) => {
  process.stdin.once('data', resolve)
  console.log('ready')
})
for (let round = 0; round < Number(rounds); round++) {
  if (round === 50) console.log('under way')
  const id = randomUUID()
  try {
    await storage.create({ ...upload, id })
  } catch (error) {
    if (error.code !== 'ERR_QUOTA_EXCEEDED') throw error
    results.refused++
    continue
  }
  results.made++
  if (isAlone()) rmSync(alone)
  else results.met++
  await storage.terminate(id, { completedDir, end: 'terminated' })
}
console.log(JSON.stringify(results))
process.stdin.destroy()
await storage.close()

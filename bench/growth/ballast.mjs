/**
 * Many uploads without much work: all of them are names of the same two files.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Fills a directory on tmpfs, which sets no limit to the names of a file.
 *
 * @param {string} directory
 * @param {number} count
 * @param {{ completed: boolean }} [state]
 */
export function fillWithUploads(directory, count, { completed } = { completed: false }) {
  mkdirSync(directory, { recursive: true })
  const first = join(directory, randomUUID())
  const now = Date.now() / 1000
  const record = {
    ...{ length: 10, offset: completed ? 10 : 5, metadata: {}, server_metadata: {} },
    ...{ created_at: now, last_write: now },
    finished_at: completed ? new Date().toISOString() : null,
    duration: completed ? 'PT1S' : null,
  }
  writeFileSync(first, '0123456789')
  writeFileSync(`${first}.meta`, JSON.stringify(record))
  for (let i = 1; i < count; i++) {
    const path = join(directory, randomUUID())
    linkSync(`${first}.meta`, `${path}.meta`)
    linkSync(first, path)
  }
}

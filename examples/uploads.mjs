// @ts-check
// What every example shares: the uploads, a worker and a janitor that live as long as the server.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { FilesystemStorage, Janitor, TusApp } from 'tussi'

const {
  UPLOAD_DIR = './uploads',
  COMPLETED_DIR = './completed',
  DEST_DIR = './dest',
  TOKEN = 'secret',
} = process.env

export const port = Number(process.env.PORT ?? 8080)

const storage = new FilesystemStorage({ directory: UPLOAD_DIR })
export const tus = new TusApp({ storage, completedDir: COMPLETED_DIR, maxChunkSize: null })

/**
 * Authentication comes before the uploads. A browser asks with OPTIONS first and sends no token
 * with that: it has to pass.
 *
 * @param {string | undefined} method
 * @param {string | null | undefined} authorization
 */
export function isAllowed(method, authorization) {
  return method === 'OPTIONS' || authorization === `Bearer ${TOKEN}`
}

/**
 * The answer to everybody else. A page may read it only if it is allowed to. Without
 * `Connection: close`: Node drops a body that still comes, and the client gets to read this.
 */
export const UNAUTHORIZED = { 'WWW-Authenticate': 'Bearer', 'Access-Control-Allow-Origin': '*' }

/** Starts worker and janitor; resolves with the function that ends them and the uploads. */
export function startBackground() {
  const stopping = new AbortController()
  const janitor = new Janitor({
    storage,
    completedDir: COMPLETED_DIR,
    complete: (id) => tus.complete(id),
  })
  mkdirSync(DEST_DIR, { recursive: true })
  janitor.start()
  const worker = work(stopping.signal)
  return async () => {
    stopping.abort()
    await tus.close()
    await Promise.all([worker, janitor.stop()])
    await storage.close()
  }
}

/**
 * Saves one upload after the other. An upload that could not be saved is handed out again.
 *
 * @param {AbortSignal} signal
 */
async function work(signal) {
  while (!signal.aborted) {
    try {
      const upload = await tus.waitForFile({ signal })
      try {
        const path = await upload.save(join(DEST_DIR, upload.name))
        console.log(`saved ${path}`)
      } finally {
        await upload.acknowledge()
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Error && error.name === 'TimeoutError') continue
      console.error('an upload was not saved and stays in the queue', error)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}

/**
 * Ends in order at SIGTERM and Ctrl+C: `close` stops the server from accepting, then running
 * uploads are recorded, and clients go on when the server is back. They are given the time to read
 * that; connections that nobody uses are not waited for.
 *
 * @param {() => Promise<unknown>} close
 * @param {() => Promise<void>} stopBackground
 */
export function endBySignal(close, stopBackground) {
  const end = async () => {
    const closed = close()
    await stopBackground()
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1000))])
    process.exit(0)
  }
  process.once('SIGTERM', end).once('SIGINT', end)
}

/**
 * @param {{ close(done: () => void): unknown }} server
 * @returns {Promise<void>}
 */
export function closed(server) {
  return new Promise((resolve) => {
    server.close(resolve)
  })
}

/** tus.work: the loop that people write by hand. @module */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { start } from '../run.ts'
import { createUpload, idOf, type Served, serve, temporaryDirectory } from '../serve.ts'

const SCRIPT = new URL('work-process.mjs', import.meta.url).pathname
const SILENT = { info() {}, warn() {}, error() {} }

async function open(): Promise<Served> {
  return serve(await temporaryDirectory(), { logger: SILENT })
}

function dead({ completedDir }: Served): Promise<string[]> {
  return readdir(join(completedDir, '.tussi', 'dead'))
}

function waiting({ completedDir }: Served): Promise<string[]> {
  return readdir(completedDir)
}

describe('tus.work', () => {
  it('acknowledges what its handler returns from, and ends with its signal', async () => {
    const served = await open()
    const stop = new AbortController()
    const names: string[] = []
    const working = served.tus.work(
      async (upload, { attempt }) => void names.push(`${upload.name} ${attempt}`),
      { signal: stop.signal },
    )
    const ids = await Promise.all(
      [1, 2, 3].map(async () => idOf(await createUpload(served.url, 0))),
    )
    await expect.poll(() => waiting(served)).toEqual(['.tussi'])
    stop.abort()
    await working
    expect(names.sort()).toEqual(ids.map((id) => `${id} 1`).sort())
  })

  it('tries again after a failure, no sooner than its backoff, and counts', async () => {
    const served = await open()
    const stop = new AbortController()
    const attempts: { attempt: number; at: number }[] = []
    const working = served.tus.work(
      (_upload, { attempt }) => {
        attempts.push({ attempt, at: Date.now() })
        if (attempt < 3) throw new Error('not yet')
      },
      { signal: stop.signal, backoff: (attempt) => attempt * 100 },
    )
    await createUpload(served.url, 0)
    await expect.poll(() => waiting(served), { timeout: 10_000 }).toEqual(['.tussi'])
    stop.abort()
    await working
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    const [first, second, third] = attempts.map(({ at }) => at) as [number, number, number]
    expect(second - first).toBeGreaterThanOrEqual(100)
    expect(third - second).toBeGreaterThanOrEqual(200)
    expect(await dead(served)).toEqual([])
  })

  it('keeps its claim when the backoff fails', async () => {
    const served = await open()
    const stop = new AbortController()
    const attempts: number[] = []
    const handler = (_upload: unknown, { attempt }: { attempt: number }): void => {
      attempts.push(attempt)
      if (attempt === 1) throw new Error('once')
    }
    const working = served.tus.work(handler, { signal: stop.signal, backoff: () => Number.NaN })
    await createUpload(served.url, 0)
    await expect.poll(() => waiting(served), { timeout: 10_000 }).toEqual(['.tussi'])
    stop.abort()
    await working
    expect(attempts).toEqual([1, 2])
  })

  it('gives up after so many attempts, with the reason', async () => {
    const served = await open()
    const stop = new AbortController()
    const handler = (): never => {
      throw new Error('the scanner says no')
    }
    const options = { signal: stop.signal, maxAttempts: 2, backoff: () => 0 }
    const working = served.tus.work(handler, options)
    const id = idOf(await createUpload(served.url, 0))
    await expect.poll(() => dead(served), { timeout: 10_000 }).toEqual([id])
    const grave = join(served.completedDir, '.tussi', 'dead', id)
    const contents = async (): Promise<string[]> => (await readdir(grave)).sort()
    await expect.poll(contents).toEqual(['data', 'reason', 'record'])
    expect(await readFile(join(grave, 'reason'), 'utf8')).toBe(
      'given up after 2 attempts: the scanner says no\n',
    )
    stop.abort()
    await working
  })

  it('counts a worker that was killed, until it gives up', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, { logger: SILENT })
    const id = idOf(await createUpload(served.url, 0))
    for (const attempt of [1, 2]) {
      const worker = start(process.execPath, [SCRIPT, root, '2'])
      await worker.until(new RegExp(`${id} attempt ${attempt}`))
      await worker.stop('SIGKILL')
    }
    const last = start(process.execPath, [SCRIPT, root, '2'])
    await expect.poll(() => dead(served), { timeout: 10_000 }).toEqual([id])
    expect(last.stdout()).not.toContain(id)
    const reason = join(served.completedDir, '.tussi', 'dead', id, 'reason')
    const read = (): Promise<string> => readFile(reason, 'utf8').catch(() => '')
    await expect.poll(read).toMatch(/the last worker died/)
  })

  it('does not count what was handed back', async () => {
    const served = await open()
    const attempts: number[] = []
    for (let i = 0; i < 3; i++) {
      const stop = new AbortController()
      if (i === 0) await createUpload(served.url, 0)
      await served.tus.work(
        async (upload, { attempt }) => {
          attempts.push(attempt)
          if (i < 2) await upload.release()
          stop.abort()
        },
        { signal: stop.signal },
      )
    }
    expect(attempts).toEqual([1, 1, 1])
  })

  it('hands back what is running when it is told to end and the handler gives up', async () => {
    const served = await open()
    const stop = new AbortController()
    await createUpload(served.url, 0)
    await served.tus.work(
      async (_upload, { signal }) => {
        stop.abort()
        signal.throwIfAborted()
      },
      { signal: stop.signal },
    )
    await using again = await served.tus.waitForFile({ timeoutMs: 5000 })
    expect(again.record.length).toBe(0)
  })

  it('waits for what is running when it is told to end', async () => {
    const served = await open()
    const stop = new AbortController()
    await createUpload(served.url, 0)
    let done = false
    await served.tus.work(
      async () => {
        stop.abort()
        await new Promise((resolve) => setTimeout(resolve, 50))
        done = true
      },
      { signal: stop.signal },
    )
    expect(done).toBe(true)
    expect(await waiting(served)).toEqual(['.tussi'])
  })

  it('works on as many at once as it may', async () => {
    const served = await open()
    const stop = new AbortController()
    let running = 0
    let most = 0
    const working = served.tus.work(
      async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 20))
        running--
      },
      { signal: stop.signal, concurrency: 3 },
    )
    await Promise.all(Array.from({ length: 12 }, () => createUpload(served.url, 0)))
    await expect.poll(() => waiting(served), { timeout: 10_000 }).toEqual(['.tussi'])
    stop.abort()
    await working
    expect(most).toBe(3)
  })

  it('is done with a file that was saved, whatever happens after', async () => {
    const root = await temporaryDirectory()
    const served = await serve(root, { logger: SILENT })
    const stop = new AbortController()
    let attempts = 0
    const working = served.tus.work(
      async (upload) => {
        attempts++
        await upload.save(join(root, 'saved'))
        throw new Error('after')
      },
      { signal: stop.signal, backoff: () => 0 },
    )
    await createUpload(served.url, 0)
    await expect.poll(() => waiting(served)).toEqual(['.tussi'])
    stop.abort()
    await working
    expect(attempts).toBe(1)
    expect(await dead(served)).toEqual([])
  })

  it.each([{ concurrency: 0 }, { concurrency: 1.5 }, { maxAttempts: 0 }])(
    'refuses %j',
    async (options) => {
      const { tus } = await open()
      await expect(tus.work(() => undefined, options)).rejects.toThrow(TypeError)
    },
  )
})

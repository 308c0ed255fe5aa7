/** Many workers in many processes: each upload to one of them. @module */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Running, start } from '../run.ts'
import { createUpload, idOf, offsetOf, serve, temporaryDirectory } from '../serve.ts'

const SCRIPT = new URL('claim-process.mjs', import.meta.url).pathname

async function startWorker(root: string, holdMs = 0): Promise<Running> {
  const worker = start(process.execPath, [SCRIPT, root, `${holdMs}`])
  await worker.until(/^ready$/m)
  return worker
}

async function endWorker(worker: Running): Promise<string[]> {
  worker.child.stdin.end()
  const { code, stdout, stderr } = await worker.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').filter((line) => line.startsWith('done '))
}

describe('waitForFile', () => {
  it('gives each upload to one worker of four processes', async () => {
    const root = await temporaryDirectory()
    const { url, completedDir } = await serve(root)
    const workers = await Promise.all([0, 1, 2, 3].map(() => startWorker(root)))
    const locations: string[] = []
    for (let i = 0; i < 5; i++) {
      locations.push(...(await Promise.all(Array.from({ length: 20 }, () => createUpload(url, 0)))))
    }
    await expect.poll(() => readdir(completedDir), { timeout: 20_000 }).toEqual(['.tussi'])
    const done = (await Promise.all(workers.map(endWorker))).flat()
    expect(done.sort()).toEqual(locations.map((location) => `done ${idOf(location)}`).sort())
  })

  // The median of nine, for the machine may be busy with something else for a moment.
  it('wakes within 50 ms, in this process', async () => {
    const { url, tus } = await serve(await temporaryDirectory())
    const delays: number[] = []
    for (let i = 0; i < 9; i++) {
      const waiting = tus.waitForFile({ timeoutMs: 5000 })
      await createUpload(url, 0)
      const upload = await waiting
      delays.push(Date.now() - Number(upload.record.finishedAt))
      await upload.acknowledge()
    }
    expect(delays.sort((a, b) => a - b)[4]).toBeLessThan(50)
  })

  it('wakes within 50 ms, in another process', async () => {
    const root = await temporaryDirectory()
    const { url } = await serve(root)
    const worker = await startWorker(root)
    const delays: number[] = []
    for (let i = 0; i < 9; i++) {
      const id = idOf(await createUpload(url, 0))
      const [, delay] = await worker.until(new RegExp(`claimed ${id} (\\d+)`))
      delays.push(Number(delay))
    }
    await endWorker(worker)
    expect(delays.sort((a, b) => a - b)[4]).toBeLessThan(50)
  })

  it('hands out again what a killed worker held', async () => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    const worker = await startWorker(root, 60_000)
    const id = idOf(await createUpload(url, 0))
    await worker.until(new RegExp(`claimed ${id}`))
    await expect(tus.waitForFile({ timeoutMs: 100 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    await worker.stop('SIGKILL')
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.name).toBe(id)
    await upload.acknowledge()
  })

  it('hands out again what was released, and never what was acknowledged', async () => {
    const { url, tus } = await serve(await temporaryDirectory())
    const id = idOf(await createUpload(url, 0))
    const first = await tus.waitForFile({ timeoutMs: 5000 })
    await first.release()
    const second = await tus.waitForFile({ timeoutMs: 5000 })
    expect(second.name).toBe(id)
    await second.acknowledge()
    await expect(tus.waitForFile({ timeoutMs: 1500 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  it('ends with the reason of its signal', async () => {
    const { tus } = await serve(await temporaryDirectory())
    const reason = new Error('enough')
    await expect(tus.waitForFile({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const later = new AbortController()
    const waiting = tus.waitForFile({ signal: later.signal })
    later.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })

  it('refuses a time that is none', async () => {
    const { tus } = await serve(await temporaryDirectory())
    await expect(tus.waitForFile({ timeoutMs: -1 })).rejects.toThrow(TypeError)
  })
})

describe('CompletedUpload', () => {
  it('is handed back by its disposal after a save that failed', async () => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    const id = idOf(await createUpload(url, 0))
    {
      await using upload = await tus.waitForFile({ timeoutMs: 5000 })
      await expect(upload.save(join(root, 'nowhere', 'a'))).rejects.toMatchObject({
        code: 'ERR_STORAGE',
      })
    }
    await using again = await tus.waitForFile({ timeoutMs: 5000 })
    expect(again.name).toBe(id)
  })

  it('is acknowledged by its disposal otherwise, saved or not', async () => {
    const { url, tus, completedDir } = await serve(await temporaryDirectory())
    const location = await createUpload(url, 0)
    {
      await using upload = await tus.waitForFile({ timeoutMs: 5000 })
      expect(upload.name).toBe(idOf(location))
    }
    expect(await readdir(completedDir)).toEqual(['.tussi'])
    expect(await offsetOf(location)).toBe(0)
  })

  it('is saved once, and not over a file that shall stay', async () => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    await createUpload(url, 0)
    await writeFile(join(root, 'taken'), 'mine')
    await using upload = await tus.waitForFile({ timeoutMs: 5000 })
    await expect(upload.save(join(root, 'taken'), { overwrite: false })).rejects.toMatchObject({
      code: 'ERR_FILE_EXISTS',
    })
    expect(await upload.save(root)).toBe(join(root, upload.name))
    expect(await upload.saveRecord(root)).toBe(join(root, `${upload.name}.meta`))
    await expect(upload.save(root)).rejects.toMatchObject({ code: 'ERR_ALREADY_SAVED' })
    await expect(upload.saveRecord(root)).rejects.toMatchObject({ code: 'ERR_ALREADY_SAVED' })
  })

  it('is nobody’s after its end', async () => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    await createUpload(url, 0)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    await upload.release()
    await expect(upload.save(join(root, 'a'))).rejects.toMatchObject({ code: 'ERR_CLAIM_ENDED' })
    await upload.acknowledge()
    await using again = await tus.waitForFile({ timeoutMs: 5000 })
    expect(again.name).toBe(upload.name)
  })
})

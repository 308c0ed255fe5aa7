/** tuspy, the client for Python. @module */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { required, run } from '../run.ts'
import { offsetOf, serve, sha256, sha256Of, temporaryDirectory } from '../serve.ts'

const SCRIPT = new URL('send.py', import.meta.url).pathname

async function tuspy(...args: string[]): Promise<string> {
  const python = required('TUSSI_PYTHON', 'a Python with tuspy')
  const { code, stdout, stderr } = await run(python, [SCRIPT, ...args])
  if (code !== 0) throw new Error(`tuspy: ${stderr}`)
  return stdout.trim()
}

describe('tuspy', () => {
  it.each([1_000_000, 10_000_000])('sends a file in chunks of %d', async (chunk) => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    const data = randomBytes(3_500_000)
    const source = join(root, 'source')
    await writeFile(source, data)
    await tuspy(url, source, `${chunk}`)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(upload.record.metadata).toEqual({ filename: 'from tuspy' })
    expect(await sha256(await upload.save(join(root, 'saved')))).toBe(sha256Of(data))
    await upload.acknowledge()
  })

  it('resumes at the URL of an earlier run', async () => {
    const root = await temporaryDirectory()
    const { url, tus } = await serve(root)
    const data = randomBytes(3_000_000)
    const source = join(root, 'source')
    await writeFile(source, data)
    const location = await tuspy(url, source, '1000000', '2000000')
    expect(await offsetOf(location)).toBe(2_000_000)
    expect(await tuspy(url, source, '1000000', '0', location)).toBe(location)
    const upload = await tus.waitForFile({ timeoutMs: 5000 })
    expect(await sha256(await upload.save(join(root, 'saved')))).toBe(sha256Of(data))
    await upload.acknowledge()
  })
})

import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { saveUpload } from '../../src/cli/save-upload.ts'
import { type CompletedUpload, UploadError } from '../../src/index.ts'
import { temporaryDirectory } from '../serve.ts'

const ID = '6ec7c1c5-9a53-4f0b-8b0b-0a3f5a5f0d11'

/** A finished upload that is saved as an empty file. */
function finished(filename: string): CompletedUpload {
  const save = async (path: string): Promise<string> => {
    await writeFile(path, '', { flag: 'wx' }).catch((error) => {
      if (error.code === 'EEXIST') throw new UploadError('ERR_FILE_EXISTS', path)
      throw error
    })
    return path
  }
  const record = { metadata: { filename } }
  return { name: ID, record, save, saveRecord: save } as unknown as CompletedUpload
}

describe('saveUpload', () => {
  it.each([
    ['image.jpg', (n: number) => `image_${n}.jpg`, `${ID}-image.jpg`],
    [
      `${'写'.repeat(77)}.tar.gz`,
      (n: number) => `${'写'.repeat(77)}_${n}.tar.gz`,
      `${ID}-${'写'.repeat(66)}.tar.gz`,
    ],
  ])('stops counting %s, and its name still fits', async (filename, numbered, expected) => {
    const dest = await temporaryDirectory()
    await writeFile(join(dest, filename), '')
    for (let n = 1; n < 100; n++) await writeFile(join(dest, numbered(n)), '')
    expect(await saveUpload(finished(filename), dest)).toBe(join(dest, expected))
    expect(await readdir(dest)).toContain(`${expected}.meta`)
  })

  it('does not try one name for ever', async () => {
    const dest = await temporaryDirectory()
    const upload = { ...finished('a'), save: () => Promise.reject(taken()) }
    await expect(saveUpload(upload as unknown as CompletedUpload, dest)).rejects.toThrow(
      /a is taken/,
    )
  })
})

function taken(): UploadError {
  return new UploadError('ERR_FILE_EXISTS', '')
}

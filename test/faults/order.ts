/** The uploads that are traced: small and large, in one and in several requests. @module */
import { randomBytes } from 'node:crypto'
import { createUpload, createWith, patch } from '../serve.ts'

/** Sends them one after the other; every answer must acknowledge. */
export async function sendAllKinds(url: string): Promise<void> {
  await createUpload(url, 0)
  for (const sizes of [[10], [5, 5], [70_000], [3_000_000, 10, 2_500_000]]) {
    const location = await createUpload(
      url,
      sizes.reduce((sum, size) => sum + size),
    )
    let offset = 0
    for (const size of sizes) {
      const { status } = await patch(location, offset, randomBytes(size))
      if (status !== 204) throw new Error(`PATCH: ${status}`)
      offset += size
    }
  }
  for (const [length, size] of [
    [10, 10],
    [20, 10],
    [70_000, 70_000],
  ] as const) {
    const { status } = await createWith(url, length, randomBytes(size))
    if (status !== 201) throw new Error(`POST: ${status}`)
  }
}

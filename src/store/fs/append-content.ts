/** Appending, the part in the main thread: a small body is one call, a longer one a stream. @module */
import type { AppendRequest, AppendResult, Batch, Content } from '../storage.ts'
import { type AppendMeans, appendStream } from './append-stream.ts'

/** Bodies up to this size ride in the message to the I/O thread; beyond it the copy costs more. */
const MESSAGE_BYTES = 64 * 2 ** 10

export async function appendContent(
  means: AppendMeans,
  id: string,
  request: AppendRequest,
): Promise<AppendResult> {
  const { pool, asking, completedDir } = means
  const first = await firstOf(request.content)
  if ('contentError' in first) return { upload: await pool.run('info', { id }), ...first }
  if (!first.last || first.byteLength > MESSAGE_BYTES) {
    return appendStream(means, id, first, request)
  }
  const { offset, length, maxSize, quota, atomic, complete, seal = false } = request
  const { pieces } = first
  const whole = { id, offset, length, maxSize, quota, atomic, complete, pieces, completedDir, seal }
  const upload = await pool.untilFree('appendWhole', whole, asking)
  return { upload }
}

/** A body may break off before it begins. */
async function firstOf(content: Content): Promise<Batch | { readonly contentError: unknown }> {
  try {
    return await content.read()
  } catch (contentError) {
    return { contentError }
  }
}

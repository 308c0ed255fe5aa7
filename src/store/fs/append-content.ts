/** Appending, the part in the main thread: a small body is one call, a longer one a stream. @module */
import type { AppendRequest, AppendResult, Batch, Content } from '../storage.ts'
import type { AppendWhole } from './append.ts'
import { type AppendMeans, appendStream } from './append-stream.ts'
import { toUpload } from './info.ts'

/** Bodies up to this size ride in the message to the I/O thread; beyond it the copy costs more. */
const MESSAGE_BYTES = 64 * 2 ** 10

export async function appendContent(
  means: AppendMeans,
  id: string,
  request: AppendRequest,
): Promise<AppendResult> {
  const { pool, asking, completedDir } = means
  let first: Batch
  try {
    first = await request.content.read()
  } catch (contentError) {
    // A body may break off before it begins.
    return { upload: toUpload(id, await pool.run('info', { id })), contentError }
  }
  if (!first.last || first.byteLength > MESSAGE_BYTES) {
    const { contentLength = first.byteLength } = request
    const content = startingWith(first, request.content)
    return appendStream(means, id, { ...request, contentLength, content })
  }
  const { offset, length, maxSize, quota, atomic, complete, seal = false } = request
  const { pieces } = first
  // Only what is told: each key is written and read, and made a property of, once more.
  const whole: Mutable<AppendWhole> = { id, offset, pieces, completedDir, seal }
  if (length !== undefined) whole.length = length
  if (maxSize !== undefined) whole.maxSize = maxSize
  if (quota !== undefined) whole.quota = quota
  if (complete !== undefined) whole.complete = complete
  if (atomic) whole.atomic = atomic
  const upload = await pool.untilFree('appendWhole', whole, asking)
  return { upload }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Content whose first batch has been read. It lets go of it with the first `read`: an async function would
 * hold a batch that it was given for as long as it runs, which a stalled upload does.
 */
function startingWith(first: Batch, content: Content): Content {
  let next: Batch | undefined = first
  return {
    async read(timeoutMs?: number): Promise<Batch> {
      const batch = next
      next = undefined
      return batch ?? content.read(timeoutMs)
    },
  }
}

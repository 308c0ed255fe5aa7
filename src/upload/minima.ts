/** Refusing what is too small: an upload, or what one request brings of it. @module */
import { UploadError } from '../errors.ts'
import type { Minima } from '../protocol/minima.ts'
import type { Completeness, ContentTerms } from '../protocol/operation.ts'

/** What a body has to bring. */
export interface Least {
  readonly bytes: number
  readonly code: 'ERR_CHUNK_SIZE_NOT_REACHED' | 'ERR_MIN_SIZE_NOT_REACHED'
  /** The limit that asks for it. */
  readonly minimum: number
}

/** A body, and where it goes. */
export interface Coming extends Pick<ContentTerms, 'contentLength'> {
  /** Absent where an upload begins. */
  readonly offset?: number
  readonly length: number | null
  readonly complete: Completeness | undefined
}

/**
 * What a body has to bring, where only its end tells how much it does; where its field tells, that is enough.
 *
 * @throws `ERR_CHUNK_SIZE_NOT_REACHED`
 */
export function leastOf(minima: Minima, coming: Coming): Least | undefined {
  const { contentLength, offset } = coming
  const least = leastAt(minima, coming)
  if (!least || contentLength === undefined) return least
  checkBrought(contentLength, least, offset)
  return undefined
}

function leastAt(
  { size, chunkSize }: Minima,
  { offset = 0, length, complete }: Coming,
): Least | undefined {
  if (complete) {
    // A length that is known was looked at when it was told.
    if (length !== null || offset >= size) return undefined
    return { bytes: size - offset, code: 'ERR_MIN_SIZE_NOT_REACHED', minimum: size }
  }
  if (chunkSize === 0) return undefined
  // Where its length is the end of an upload, the last bytes may be few.
  const rest = complete === undefined && length !== null ? length - offset : chunkSize
  const bytes = Math.min(chunkSize, rest)
  return { bytes, code: 'ERR_CHUNK_SIZE_NOT_REACHED', minimum: chunkSize }
}

/** Nothing at all is no part that is too small: it may tell a length. @throws `code` */
export function checkBrought(
  bytes: number,
  { bytes: least, code, minimum }: Least,
  offset?: number,
): void {
  if (bytes >= least) return
  if (code === 'ERR_MIN_SIZE_NOT_REACHED') throw tooSmall(minimum, offset)
  if (bytes === 0) return
  throw new UploadError(
    code,
    `a request that does not end its upload must bring at least ${minimum} bytes: set the client's ` +
      `chunk size (chunkSize in tus-js-client, chunk_size in tuspy) to at least that`,
    { minimum, ...(offset !== undefined && { offset }) },
  )
}

export function tooSmall(minimum: number, offset?: number): UploadError {
  const message = `an upload must have at least ${minimum} bytes`
  return new UploadError('ERR_MIN_SIZE_NOT_REACHED', message, {
    minimum,
    ...(offset !== undefined && { offset }),
  })
}

/** Where a body may end, and the record of where it did. Pure but for the clock. @module */
import { UploadError } from '../../errors.ts'
import type { RecordFields } from '../upload-record.ts'

/** Whether a body may end there. */
export function isWithin(record: RecordFields, end: number, maxSize: number | undefined): boolean {
  return end <= (record.length ?? maxSize ?? Number.MAX_SAFE_INTEGER)
}

/** @throws `ERR_UPLOAD_SIZE_EXCEEDED`, `ERR_MAX_SIZE_EXCEEDED` */
export function checkEnd(record: RecordFields, end: number, maxSize: number | undefined): void {
  if (isWithin(record, end, maxSize)) return
  throw record.length === null ? maxSizeExceeded(maxSize, record) : sizeExceeded(record)
}

/** The end that is told must be the one that was told before. @throws `ERR_INVALID_UPLOAD_LENGTH` */
export function checkComplete({ length, offset }: RecordFields, end: number): void {
  if (length === null || length === end) return
  throw new UploadError(
    'ERR_INVALID_UPLOAD_LENGTH',
    `the upload has a length of ${length} bytes and cannot end at ${end}`,
    { offset },
  )
}

export function maxSizeExceeded(
  maxSize: number | undefined,
  { offset }: RecordFields,
): UploadError {
  const message = `an upload may have up to ${maxSize} bytes`
  return new UploadError('ERR_MAX_SIZE_EXCEEDED', message, { offset })
}

function sizeExceeded({ length, offset }: RecordFields): UploadError {
  return new UploadError(
    'ERR_UPLOAD_SIZE_EXCEEDED',
    `the body goes on beyond the upload's length of ${length} bytes`,
    { offset },
  )
}

/** Time never runs backwards in a record, whatever the clock does. */
export function advance(record: RecordFields, offset: number): RecordFields {
  return { ...record, offset, lastWrite: Math.max(record.createdAt, Date.now() / 1000) }
}

export function stateOf(record: RecordFields): 'completed' | 'sealed' | 'receiving' {
  if (record.finishedAt !== null) return 'completed'
  return record.complete ? 'sealed' : 'receiving'
}

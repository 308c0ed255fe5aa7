/** What an owner may reserve: the one refusal that all storages give. Pure. @module */
import { UploadError } from '../errors.ts'

/** A request for bytes of a quota. */
export interface QuotaRequest {
  /** Bytes that the upload needs in all. */
  readonly bytes: number
  /** Bytes that all unfinished uploads of the owner may reserve. */
  readonly limit: number
}

/** @throws `ERR_QUOTA_EXCEEDED` when `others` and `bytes` are more than the limit */
export function checkQuota({ bytes, limit }: QuotaRequest, others: number): void {
  if (others + bytes <= limit) return
  throw new UploadError(
    'ERR_QUOTA_EXCEEDED',
    `this upload needs ${bytes} bytes; of the ${limit} that your unfinished uploads may reserve, ` +
      `${others} are taken by others`,
  )
}

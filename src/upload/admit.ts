import type { Operation } from '../protocol/operation.ts'
import type { AdmissionRules, SizeRule } from './admission-options.ts'
import { authorize, needsAuthorization, type UploadRequest } from './authorize.ts'
import type { Uploads } from './uploads.ts'
import { ask, toRefusal } from './verdict.ts'

/** A request that may go on. */
export interface Admitted {
  /** With the limits that hold for this request. */
  readonly uploads: Uploads
  /** For the upload that it makes. */
  readonly made: { readonly id: string; readonly owner?: string }
}

/**
 * Admits a request.
 *
 * @throws `ERR_REFUSED`, `ERR_UPLOAD_NOT_FOUND`, `ERR_SERVER_ERROR` when a hook fails
 */
export async function admit(
  uploads: Uploads,
  rules: AdmissionRules,
  operation: Operation,
  request: UploadRequest,
): Promise<Admitted> {
  const { type } = operation
  const newId = crypto.randomUUID()
  const known = 'id' in operation ? operation.id : undefined
  const id = type === 'create' ? newId : known
  const authorized =
    rules.authorize &&
    needsAuthorization(type) &&
    (await authorize(uploads, rules.authorize, { type, id, request }))
  const maxSize = await maxSizeFor(rules.maxSize, type, request)
  return {
    uploads: maxSize === uploads.maxSize ? uploads : { ...uploads, maxSize },
    made: { id: newId, ...(authorized && { owner: authorized.owner }) },
  }
}

/** What is not about bytes has no limit. */
async function maxSizeFor(
  rule: SizeRule,
  type: Operation['type'],
  request: UploadRequest,
): Promise<number | null> {
  if (typeof rule !== 'function') return rule
  if (type === 'terminate' || type === 'retrieve-offset') return null
  const answer = await ask('maxSize', async () => checkSize('maxSize', await rule(request)))
  if (!('refusal' in answer)) return answer.said
  // A browser asks without credentials: that there is nothing for nobody is no failure.
  if (type === 'describe') return null
  throw toRefusal(answer.refusal)
}

function checkSize(name: string, value: unknown): number | null {
  if (value === null || (Number.isSafeInteger(value) && (value as number) >= 0)) {
    return value as number | null
  }
  throw new TypeError(`${name} must return a number of bytes or null, got ${String(value)}`)
}

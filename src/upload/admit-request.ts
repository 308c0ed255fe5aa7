/** Whether a request may go on, and within which limits: before a byte of its body is read. @module */
import type { Operation } from '../protocol/operation.ts'
import type { AdmissionRules, QuotaRule, SizeRule } from './admission-options.ts'
import { type Authorized, authorize, needsAuthorization, type UploadRequest } from './authorize.ts'
import type { Concurrency } from './concurrency.ts'
import type { Uploads } from './uploads.ts'
import { ask, toRefusal } from './verdict.ts'

/** What decides about requests. */
export interface Admission extends AdmissionRules {
  readonly concurrency: Concurrency
}

/** A request that may go on. */
export interface Admitted {
  /** With the limits that hold for this request. */
  readonly uploads: Uploads
  /** For the upload that it makes; one that is made of others has an id of its own. */
  readonly made: { readonly id: string; readonly owner?: string }
  /** To be called at its end. */
  readonly leave: () => void
}

/**
 * Admits a request; a promise only where the application is asked.
 *
 * @throws `ERR_REFUSED`, `ERR_UPLOAD_NOT_FOUND`, `ERR_TOO_MANY_REQUESTS`, `ERR_SERVER_ERROR` when a hook
 * fails
 */
export function admitRequest(
  uploads: Uploads,
  admission: Admission,
  operation: Operation,
  request: UploadRequest,
): Admitted | Promise<Admitted> {
  const { authorize, maxSize } = admission
  // A quota is one of somebody, whom only `authorize` knows.
  if (authorize || typeof maxSize === 'function') {
    return askAbout(uploads, admission, operation, request)
  }
  const id = idFor(operation) ?? ''
  const leave = enter(admission.concurrency, operation, { id })
  return { uploads, made: { id }, leave }
}

function idFor(operation: Operation): string | undefined {
  if (operation.type === 'create') return crypto.randomUUID()
  return 'id' in operation ? operation.id : undefined
}

async function askAbout(
  uploads: Uploads,
  admission: Admission,
  operation: Operation,
  request: UploadRequest,
): Promise<Admitted> {
  const { type } = operation
  const id = idFor(operation)
  const authorized =
    admission.authorize && needsAuthorization(type)
      ? await authorize(uploads, admission.authorize, { type, id, request })
      : undefined
  const maxSize = await maxSizeFor(admission.maxSize, type, request)
  const reserves = type !== 'terminate' && type !== 'retrieve-offset'
  const quota = reserves ? await quotaFor(admission.quota, authorized, request) : null
  const leave = enter(admission.concurrency, operation, { id: id ?? '', ...authorized })
  const same = maxSize === uploads.maxSize && quota === null
  return {
    uploads: same ? uploads : { ...uploads, maxSize, quota },
    made: { id: id ?? '', ...(authorized && { owner: authorized.owner }) },
    leave,
  }
}

function enter(
  concurrency: Concurrency,
  operation: Operation,
  { id, owner = '' }: { readonly id: string; readonly owner?: string },
): () => void {
  const content = operation.type === 'create' ? operation.content : undefined
  const hasBody = operation.type === 'append' || content !== undefined
  return hasBody ? concurrency.enter(id, owner) : () => undefined
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

/** What has a length has reserved it when it was made. */
async function quotaFor(
  rule: QuotaRule,
  authorized: Authorized | undefined,
  request: UploadRequest,
): Promise<number | null> {
  if (rule === null || !authorized || typeof authorized.upload?.length === 'number') return null
  if (typeof rule === 'number') return rule
  const { owner } = authorized
  const answer = await ask('quota', async () => checkSize('quota', await rule(owner, request)))
  if ('refusal' in answer) throw toRefusal(answer.refusal)
  return answer.said
}

function checkSize(name: string, value: unknown): number | null {
  if (value === null || (Number.isSafeInteger(value) && (value as number) >= 0)) {
    return value as number | null
  }
  throw new TypeError(`${name} must return a number of bytes or null, got ${String(value)}`)
}

/** Who may do what to which upload. Asked before anything happens to it or a byte is read. @module */
import { UploadError } from '../errors.ts'
import type { Operation } from '../protocol/operation.ts'
import type { StoredUpload } from '../store/upload.ts'
import { peek } from './look-up.ts'
import type { Uploads } from './uploads.ts'
import { ask, toRefusal } from './verdict.ts'

/** A request as hooks see it, before its body. */
export interface UploadRequest {
  /** After `X-HTTP-Method-Override`. */
  readonly method: string
  /** Path and query as the client sent them. */
  readonly target: string
  /** All fields by lower-case name, frozen. */
  readonly headers: Readonly<Record<string, string>>
  /** Address of the peer, where the adapter knows it. */
  readonly remoteAddress: string | undefined
}

/** What a client wants to do. */
export interface AuthorizeQuestion {
  readonly action: 'create' | 'append' | 'head' | 'terminate' | 'concat'
  /** Of the upload that is asked for or is to be made; `undefined` where its parts decide that. */
  readonly uploadId: string | undefined
  /** The upload that is asked for; its owner is `upload.notes.owner`. */
  readonly upload: StoredUpload | undefined
  readonly request: UploadRequest
}

/** Decides who may do what; see the option `authorize` of `TusApp`. */
export type AuthorizeHook = (
  question: AuthorizeQuestion,
) => string | undefined | Promise<string | undefined>

const ACTIONS = {
  create: 'create',
  concatenate: 'concat',
  append: 'append',
  terminate: 'terminate',
  'retrieve-offset': 'head',
} as const

/** Who asks for what. */
export interface Authorizing {
  readonly type: keyof typeof ACTIONS
  readonly id: string | undefined
  readonly request: UploadRequest
}

/** What was found out about the upload of a request. */
export interface Authorized {
  readonly owner: string
  /** Absent where it is still to be made. */
  readonly upload?: StoredUpload
}

export function needsAuthorization(type: Operation['type']): type is keyof typeof ACTIONS {
  return type in ACTIONS
}

/**
 * Asks the application. Nobody is disturbed by it: whoever writes to the upload goes on until the
 * newcomer is known to be allowed to take over.
 *
 * @throws `ERR_REFUSED`, `ERR_UPLOAD_NOT_FOUND`, `ERR_SERVER_ERROR` for anything else that is thrown
 */
export async function authorize(
  uploads: Uploads,
  hook: AuthorizeHook,
  { type, id, request }: Authorizing,
): Promise<Authorized> {
  const isNew = type === 'create' || type === 'concatenate'
  const upload = id === undefined || isNew ? undefined : await peek(uploads, id)
  const owner = upload?.notes.owner
  if (upload && owner === undefined) throw refused('nobody knows whose upload this is')
  const question = { action: ACTIONS[type], uploadId: id, upload, request }
  const answer = await ask('authorize', async () => checkOwner(await hook(question)))
  if ('refusal' in answer) throw toRefusal(answer.refusal)
  const { said = owner ?? '' } = answer
  if (!upload) return { owner: said }
  // A hook that only says who asks keeps everybody to their own uploads.
  if (said !== owner) throw refused('this upload belongs to somebody else')
  return { owner: said, upload }
}

function checkOwner(owner: unknown): string | undefined {
  if (owner === undefined || typeof owner === 'string') return owner
  throw new TypeError(`authorize must return a string or nothing, got ${typeof owner}`)
}

function refused(message: string): UploadError {
  return new UploadError('ERR_REFUSED', message, { status: 403 })
}

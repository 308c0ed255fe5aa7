/**
 * The upload handler: routes a request to its operation and gives every outcome and every failure
 * the fields that clients need. It knows no runtime and no disk.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Operation, Outcome } from '../protocol/operation.ts'
import { type Admission, type Admitted, admitRequest } from '../upload/admit-request.ts'
import { append } from '../upload/append.ts'
import { concatenate } from '../upload/concatenate.ts'
import { create } from '../upload/create.ts'
import { retrieveOffset } from '../upload/retrieve-offset.ts'
import { terminate } from '../upload/terminate.ts'
import type { Uploads } from '../upload/uploads.ts'
import { withContentDigest } from './content-digest.ts'
import { type CorsPolicy, corsHeaders } from './cors.ts'
import { chooseDialect, type Dialect, METHODS } from './dialect.ts'
import type { Exchange, Fields, Handle, Reply } from './exchange.ts'
import { createInformer, type Informer } from './informer.ts'
import {
  isAuthority,
  partIdFrom,
  pathOf,
  resolveScheme,
  uploadIdFrom,
  uploadLocation,
} from './location.ts'
import { type Adapt, toProblem } from './problem.ts'
import { toUploadRequest } from './upload-request.ts'

/** What the handler needs besides the uploads. */
export interface HandlerOptions {
  readonly uploads: Uploads
  readonly admission: Admission
  /** What the storage can do; the adapter may add to it. */
  readonly extensions: readonly string[]
  readonly maxMetadataSize: number
  readonly publicUrl: string | undefined
  readonly cors: CorsPolicy
  readonly isTrustedProxy: (remoteAddress: string | undefined) => boolean
  /** Whether clients may be sent 104s. */
  readonly informational: boolean
  readonly logger: Logger
}

export function createHandler(options: HandlerOptions): Handle {
  const { admission, uploads, maxMetadataSize, cors, informational, logger } = options
  const { maxSize, maxChunkSize, minima } = uploads
  const lifetimeMs = uploads.expiry?.afterMs ?? null
  const withTrailers = [...options.extensions, 'checksum-trailer']
  return async (exchange) => {
    const method = methodOf(exchange)
    const origin = exchange.header('origin')
    const preflight = method === 'OPTIONS'
    const decided = corsHeaders(cors, { origin, preflight, methods: METHODS })
    const fields = decided instanceof Promise ? await decided : decided
    const { target, content } = exchange
    const extensions = content.trailer ? withTrailers : options.extensions
    const server = {
      maxMetadataSize,
      maxSize,
      maxChunkSize,
      minima,
      lifetimeMs,
      extensions,
      now: Date.now,
    }
    const header = (name: string): string | undefined => exchange.header(name)
    const request = { method, id: uploadIdFrom(target), header }
    const dialect = chooseDialect(request, server)
    const common = [dialect.common, fields]
    const informer = createInformer(exchange, { version: dialect.version, server, informational })
    let given: Admitted | undefined
    try {
      const operation = dialect.parse()
      const request = toUploadRequest(method, exchange)
      const asked = admitRequest(uploads, admission, operation, request)
      given = asked instanceof Promise ? await asked : asked
      server.maxSize = given.uploads.maxSize
      const outcome = await perform(options, given, { operation, exchange, informer })
      const { status, headers, body } = dialect.format(outcome)
      const exposed = exposeAnswer(fields, outcome)
      const own = exposed ? [headers, exposed] : [headers]
      const reply = { status, headers: [...common, ...own] }
      return body === undefined ? reply : withContentDigest({ ...reply, body }, header)
    } catch (error) {
      const refusing = { admitted: given !== undefined, location: informer.location }
      const adapt: Adapt = (error) => refusalOf(error, dialect, refusing)
      const { announced } = informer
      const refusal = { method, path: pathOf(target), common, adapt, announced, logger }
      return withContentDigest(refuse(error, refusal), header)
    } finally {
      given?.leave()
    }
  }
}

const EXPOSE = 'Access-Control-Expose-Headers'

/** What the application has told the client its page may read. */
function exposeAnswer(cors: Fields, outcome: Outcome): Fields | undefined {
  const own = 'upload' in outcome ? outcome.upload.notes.answer?.headers : undefined
  const exposed = cors[EXPOSE]
  if (exposed === undefined || own === undefined) return undefined
  return { [EXPOSE]: [exposed, ...Object.keys(own)].join(', ') }
}

/** After these there is no upload any more. */
const ENDS: ReadonlySet<string> = new Set(['ERR_UPLOAD_SIZE_EXCEEDED', 'ERR_REFUSED'])

/** With the place of an upload that was made all the same, unless that was ended. */
function refusalOf(
  error: UploadError,
  dialect: Dialect,
  { admitted, location }: { readonly admitted: boolean; readonly location: string | undefined },
): ReturnType<Adapt> {
  const { headers, ...changes } = dialect.refuse(error, admitted)
  const stays = location !== undefined && !ENDS.has(error.code)
  return { ...changes, headers: { ...(stays && { Location: location }), ...headers } }
}

interface Asked {
  readonly operation: Operation
  readonly exchange: Exchange
  readonly informer: Informer
}

async function perform(
  options: HandlerOptions,
  { uploads, made }: Admitted,
  { operation, exchange, informer }: Asked,
): Promise<Outcome> {
  switch (operation.type) {
    case 'describe':
      return { type: 'described' }
    case 'create': {
      const locate = locator(options, exchange)
      const { announcement, onOffset } = informer.creating(locate)
      const creation = {
        id: made.id,
        owner: made.owner,
        length: operation.length,
        metadata: operation.metadata,
        partial: operation.partial,
        content: operation.content,
        complete: operation.complete,
        digests: operation.digests,
        headers: () => exchange.headers(),
        announcement,
        onOffset,
      }
      const upload = await create(uploads, creation, exchange.content)
      return { type: 'created', upload, location: locate(upload.uploadId) }
    }
    case 'concatenate': {
      const locate = locator(options, exchange)
      const { metadata, field } = operation
      const partIds = operation.urls.map((url) => partId(options, exchange, url))
      const { owner } = made
      const given = { partIds, metadata, field, ...(owner !== undefined && { owner }) }
      const concatenation = { ...given, headers: () => exchange.headers() }
      const upload = await concatenate(uploads, concatenation)
      return { type: 'created', upload, location: locate(upload.uploadId) }
    }
    case 'retrieve-offset':
      return { type: 'retrieved', upload: await retrieveOffset(uploads, operation) }
    case 'append': {
      const appending = { ...operation, ...informer.appending() }
      return { type: 'appended', upload: await append(uploads, appending, exchange.content) }
    }
    case 'terminate':
      await terminate(uploads, operation.id)
      return { type: 'terminated' }
  }
}

function partId({ publicUrl }: HandlerOptions, { authority }: Exchange, url: string): string {
  const id = partIdFrom(url, { authority, publicUrl })
  if (id !== undefined) return id
  throw new UploadError('ERR_INVALID_CONCAT', `${url} is no upload of this server`)
}

/** Refuses what can give no Location before anything is stored. */
function locator(options: HandlerOptions, exchange: Exchange): (id: string) => string {
  const { target, authority, remoteAddress } = exchange
  const { publicUrl, isTrustedProxy } = options
  if (publicUrl === undefined && authority !== undefined && !isAuthority(authority)) {
    throw new UploadError('ERR_INVALID_HOST', 'the Host of the request is not a valid authority')
  }
  const scheme = resolveScheme({
    scheme: exchange.scheme,
    forwardedProto: exchange.header('x-forwarded-proto'),
    trusted: isTrustedProxy(remoteAddress),
  })
  return (id) => uploadLocation({ target, scheme, authority, publicUrl, id })
}

/** The method that counts: clients behind strict firewalls can only POST. */
function methodOf(exchange: Exchange): string {
  return (exchange.header('x-http-method-override') ?? exchange.method).toUpperCase()
}

/** After these the body is not read to its end, so the connection cannot be used again. */
const ENDED = new Set(['ERR_UPLOAD_INTERRUPTED', 'ERR_SHUTTING_DOWN', 'ERR_READ_TIMEOUT'])

interface Refusal {
  readonly method: string
  readonly path: string
  readonly common: readonly Fields[]
  readonly adapt: Adapt
  /** The client knows where its upload is. */
  readonly announced: boolean
  readonly logger: Logger
}

/** URLSession takes a 5xx for the end of its upload, and a connection that is cut for a reason to resume. */
const RESUMED = new Set(['ERR_SHUTTING_DOWN', 'ERR_READ_TIMEOUT'])

function refuse(cause: unknown, refusal: Refusal): Reply {
  const { method, path, common, adapt, announced, logger } = refusal
  const { status, headers, body, error } = toProblem(cause, adapt)
  if (status === 500) {
    // The path without its query: that may hold a secret.
    logger.error(error.message, { code: error.code, request: `${method} ${path}`, error })
  }
  const { code } = error
  return {
    status,
    headers: [...common, headers],
    ...(method !== 'HEAD' && { body }),
    ...(ENDED.has(code) && { close: true }),
    ...(announced && RESUMED.has(code) && { cut: true }),
  }
}

/**
 * The upload handler: routes a request to its operation and gives every outcome and every failure
 * the fields that clients need. It knows no runtime and no disk.
 *
 * @module
 */
import { UploadError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Operation, Outcome } from '../protocol/operation.ts'
import { formatTusOutcome, parseTusRequest, TUS_METHODS, TUS_VERSION } from '../protocol/tus.ts'
import { type Admission, type Admitted, admitRequest } from '../upload/admit-request.ts'
import { append } from '../upload/append.ts'
import { concatenate } from '../upload/concatenate.ts'
import { create } from '../upload/create.ts'
import { retrieveOffset } from '../upload/retrieve-offset.ts'
import { terminate } from '../upload/terminate.ts'
import type { Uploads } from '../upload/uploads.ts'
import { type CorsPolicy, corsHeaders } from './cors.ts'
import type { Exchange, Handle, Reply } from './exchange.ts'
import {
  isAuthority,
  partIdFrom,
  pathOf,
  resolveScheme,
  uploadIdFrom,
  uploadLocation,
} from './location.ts'
import { toProblem } from './problem.ts'
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
  readonly logger: Logger
}

export function createHandler(options: HandlerOptions): Handle {
  const { admission, uploads, maxMetadataSize, cors, logger } = options
  const { maxChunkSize } = uploads
  return async (exchange) => {
    const method = methodOf(exchange)
    const fields = await corsHeaders(cors, {
      origin: exchange.header('origin'),
      preflight: method === 'OPTIONS',
      methods: TUS_METHODS,
    })
    const common = { 'Tus-Resumable': TUS_VERSION, ...fields }
    try {
      const { target, content } = exchange
      const extensions = content.trailer
        ? [...options.extensions, 'checksum-trailer']
        : options.extensions
      const server = { extensions, maxMetadataSize, maxChunkSize }
      const header = (name: string): string | undefined => exchange.header(name)
      const operation = parseTusRequest({ method, id: uploadIdFrom(target), header }, server)
      const request = toUploadRequest(method, exchange)
      const admitted = await admitRequest(uploads, admission, operation, request)
      const done = perform({ ...options, ...admitted }, operation, exchange)
      const outcome = await done.finally(admitted.leave)
      const { maxSize } = admitted.uploads
      const { headers, ...answer } = formatTusOutcome(outcome, { ...server, maxSize })
      return { ...answer, headers: { ...common, ...headers } }
    } catch (error) {
      return refuse(error, { method, path: pathOf(exchange.target), common, logger })
    }
  }
}

async function perform(
  options: HandlerOptions & Admitted,
  operation: Operation,
  exchange: Exchange,
): Promise<Outcome> {
  const { uploads, made } = options
  switch (operation.type) {
    case 'describe':
      return { type: 'described' }
    case 'create': {
      const locate = locator(options, exchange)
      const creation = { ...operation, ...made, headers: exchange.headers() }
      const upload = await create(uploads, creation, exchange.content)
      return { type: 'created', upload, location: locate(upload.uploadId) }
    }
    case 'concatenate': {
      const locate = locator(options, exchange)
      const { metadata, field } = operation
      const partIds = operation.urls.map((url) => partId(options, exchange, url))
      const concatenation = { partIds, metadata, field, headers: exchange.headers() }
      const upload = await concatenate(uploads, concatenation)
      return { type: 'created', upload, location: locate(upload.uploadId) }
    }
    case 'retrieve-offset':
      return { type: 'retrieved', upload: await retrieveOffset(uploads, operation.id) }
    case 'append':
      return { type: 'appended', upload: await append(uploads, operation, exchange.content) }
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
  readonly common: Readonly<Record<string, string>>
  readonly logger: Logger
}

function refuse(cause: unknown, { method, path, common, logger }: Refusal): Reply {
  const { status, headers, body, error } = toProblem(cause)
  if (status === 500) {
    // The path without its query: that may hold a secret.
    logger.error(error.message, { code: error.code, request: `${method} ${path}`, error })
  }
  const { code } = error
  return {
    status,
    headers: {
      ...common,
      ...headers,
      ...(code === 'ERR_UNSUPPORTED_VERSION' && { 'Tus-Version': TUS_VERSION }),
      ...(code === 'ERR_METHOD_NOT_ALLOWED' && { Allow: TUS_METHODS }),
    },
    ...(method !== 'HEAD' && { body }),
    ...(ENDED.has(code) && { close: true }),
  }
}

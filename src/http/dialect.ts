/** Which protocol a request speaks, and how it is answered: tus, the IETF's, or what suits both. @module */
import type { UploadError } from '../errors.ts'
import type { Operation, Outcome } from '../protocol/operation.ts'
import {
  formatRufhOutcome,
  parseRufhRequest,
  RUFH_METHODS,
  type RufhServer,
} from '../protocol/rufh.ts'
import { formatRufhRefusal, type RefusalChanges } from '../protocol/rufh-refusal.ts'
import { PARTIAL_UPLOAD } from '../protocol/rufh-request.ts'
import { NO_VERSION, type RufhVersion, rufhVersionOf } from '../protocol/rufh-versions.ts'
import {
  formatTusOutcome,
  parseTusRequest,
  TUS_METHODS,
  TUS_VERSION,
  type TusAnswer,
  type TusRequest,
  type TusServer,
} from '../protocol/tus.ts'
import { mediaType } from '../protocol/tus-request.ts'

/** Every method that one of the dialects knows. */
export const METHODS: string = RUFH_METHODS

export type DialectServer = TusServer & RufhServer

/** One way to read a request and to answer it. */
export interface Dialect {
  /** Fields of every answer. */
  readonly common: Readonly<Record<string, string>>
  /** The version of the IETF protocol, where that is spoken. */
  readonly version?: RufhVersion
  parse(): Operation
  format(outcome: Outcome): TusAnswer
  /** `admitted`: the request was allowed to do what it then could not. */
  refuse(error: UploadError, admitted: boolean): RefusalChanges
}

const RUFH_FIELDS = ['upload-draft-interop-version', 'upload-complete', 'upload-incomplete']
const RETRIEVALS: ReadonlySet<string> = new Set(['HEAD', 'GET', 'DELETE'])
const TUS_COMMON = Object.freeze({ 'Tus-Resumable': TUS_VERSION })

/** `Tus-Resumable` means tus, else a field of the IETF protocol means that, else what is asked tells. */
export function chooseDialect(request: TusRequest, server: DialectServer): Dialect {
  const { method, header } = request
  const version = rufhVersionOf(header('upload-draft-interop-version'))
  if (method === 'OPTIONS') return bothDialects(request, version, server)
  if (header('tus-resumable') !== undefined) return new TusDialect(request, server)
  const partial = method === 'PATCH' && mediaType(header('content-type')) === PARTIAL_UPLOAD
  if (partial || RUFH_FIELDS.some((name) => header(name) !== undefined)) {
    return rufhDialect(request, version, server)
  }
  if (RETRIEVALS.has(method)) return bothDialects(request, NO_VERSION, server)
  return new TusDialect(request, server)
}

/** What most requests speak. A class: without closures, which each of them would have to make. */
class TusDialect implements Dialect {
  readonly common = TUS_COMMON
  readonly #request: TusRequest
  readonly #server: DialectServer

  constructor(request: TusRequest, server: DialectServer) {
    this.#request = request
    this.#server = server
  }

  parse(): Operation {
    return parseTusRequest(this.#request, this.#server)
  }

  format(outcome: Outcome): TusAnswer {
    return formatTusOutcome(outcome, this.#server)
  }

  refuse({ code }: UploadError): RefusalChanges {
    return {
      headers: {
        ...(code === 'ERR_UNSUPPORTED_VERSION' && { 'Tus-Version': TUS_VERSION }),
        ...(code === 'ERR_METHOD_NOT_ALLOWED' && { Allow: TUS_METHODS }),
      },
    }
  }
}

function rufhDialect(request: TusRequest, version: RufhVersion, server: DialectServer): Dialect {
  return {
    common: {},
    version,
    parse: () => parseRufhRequest(request, version, server),
    format: (outcome) => formatRufhOutcome(outcome, version, server),
    refuse: (error, admitted) => formatRufhRefusal(error, { request, version, server, admitted }),
  }
}

/** A request that is in both protocols gets the fields of both, and the status of the IETF's. */
function bothDialects(request: TusRequest, version: RufhVersion, server: DialectServer): Dialect {
  const rufh = rufhDialect(request, version, server)
  return {
    ...rufh,
    common: TUS_COMMON,
    format(outcome) {
      const { status, headers } = rufh.format(outcome)
      return { status, headers: { ...formatTusOutcome(outcome, server).headers, ...headers } }
    },
  }
}

/**
 * The interop versions of "Resumable Uploads for HTTP" (draft-ietf-httpbis-resumable-upload), and all
 * that differs between them; 3 is draft -01, 4 is -02, 5 is -03, 6 is -04 and -05, 7 is -06 to -08, 8
 * is everything since. A request without one, as the coming RFC has it, is served like 8. Pure.
 *
 * @module
 */
import { parseNonNegativeInteger } from './structured-field.ts'

export interface RufhVersion {
  /** `undefined` for a request that names none that is known: it may get no 104. */
  readonly interop: number | undefined
  /** Which field says whether the upload is complete; `Upload-Incomplete` says the opposite. */
  readonly completeness: 'Upload-Complete' | 'Upload-Incomplete'
  /** The status of an append after which the upload goes on. */
  readonly appended: 201 | 204
  /** The status of an upload that was ended. */
  readonly gone: 404 | 410
  /** Which key of `Upload-Limit` tells how long the upload lives; `undefined` where there are no limits. */
  readonly lifetime: 'expires' | 'max-age' | undefined
  /** Whether further 104s tell the offset. */
  readonly progress: boolean
  /** Whether an append has to be `application/partial-upload`. */
  readonly typed: boolean
  /** Fields of the state with which a retrieval or cancellation is refused. */
  readonly strict: readonly string[]
  /**
   * Whether an empty part of an upload of length 0 completes it: clients of these versions
   * (tus-js-client) never say so, and would leave it unfinished.
   */
  readonly emptyCompletes: boolean
}

const V8: RufhVersion = {
  interop: 8,
  completeness: 'Upload-Complete',
  appended: 204,
  gone: 410,
  lifetime: 'max-age',
  progress: true,
  typed: true,
  strict: [],
  emptyCompletes: false,
}
const V7: RufhVersion = { ...V8, interop: 7 }
const V6: RufhVersion = {
  ...V7,
  interop: 6,
  appended: 201,
  gone: 404,
  lifetime: 'expires',
  strict: ['upload-offset', 'upload-complete', 'upload-length'],
  emptyCompletes: true,
}
const V5: RufhVersion = {
  ...V6,
  interop: 5,
  lifetime: undefined,
  typed: false,
  strict: ['upload-offset', 'upload-complete'],
}
const V4: RufhVersion = { ...V5, interop: 4, progress: false }
const V3: RufhVersion = {
  ...V4,
  interop: 3,
  completeness: 'Upload-Incomplete',
  strict: ['upload-offset', 'upload-incomplete'],
}

/** Requests without a version that is known. */
export const NO_VERSION: RufhVersion = { ...V8, interop: undefined }

export const RUFH_VERSIONS: readonly RufhVersion[] = [V3, V4, V5, V6, V7, V8]

/** The version that `Upload-Draft-Interop-Version` names. */
export function rufhVersionOf(field: string | undefined): RufhVersion {
  const interop = parseNonNegativeInteger(field ?? '')
  return RUFH_VERSIONS.find((version) => version.interop === interop) ?? NO_VERSION
}

/** What an I/O thread can do. @module */
import { appendWhole, closeAppend, commitAppend, lockAppend, openAppend } from './append.ts'
import { acknowledge, buryClaim, claim, entomb, releaseClaim } from './claim.ts'
import {
  closeFinal,
  copyPart,
  openFinal,
  sealFinal,
  unwant,
  want,
  wantedBy,
} from './concatenate.ts'
import { create } from './create.ts'
import { finalize } from './finalize.ts'
import { find, info, settledInfo } from './info.ts'
import { buryEntry, discard, inspect } from './inspect.ts'
import type { Busy, Operation } from './io-call.ts'
import { hold, note, read } from './note.ts'
import { growQuota } from './quota.ts'
import { renameNew } from './rename-new.ts'
import { terminate } from './terminate.ts'

interface Operations {
  readonly acknowledge: typeof acknowledge
  readonly appendWhole: typeof appendWhole
  readonly buryClaim: typeof buryClaim
  readonly buryEntry: typeof buryEntry
  readonly claim: typeof claim
  readonly closeAppend: typeof closeAppend
  readonly commitAppend: typeof commitAppend
  readonly closeFinal: typeof closeFinal
  readonly copyPart: typeof copyPart
  readonly create: typeof create
  readonly discard: typeof discard
  readonly entomb: typeof entomb
  readonly finalize: typeof finalize
  readonly find: typeof find
  readonly growQuota: typeof growQuota
  readonly hold: typeof hold
  readonly info: typeof info
  readonly inspect: typeof inspect
  readonly lockAppend: typeof lockAppend
  readonly note: typeof note
  readonly openAppend: typeof openAppend
  readonly openFinal: typeof openFinal
  readonly read: typeof read
  readonly releaseClaim: typeof releaseClaim
  readonly renameNew: typeof renameNew
  readonly sealFinal: typeof sealFinal
  readonly settledInfo: typeof settledInfo
  readonly terminate: typeof terminate
  readonly unwant: typeof unwant
  readonly want: typeof want
  readonly wantedBy: typeof wantedBy
}

export const OPERATIONS: Operations = {
  acknowledge,
  appendWhole,
  buryClaim,
  buryEntry,
  claim,
  closeAppend,
  commitAppend,
  closeFinal,
  copyPart,
  create,
  discard,
  entomb,
  finalize,
  find,
  growQuota,
  hold,
  info,
  inspect,
  lockAppend,
  note,
  openAppend,
  openFinal,
  read,
  releaseClaim,
  renameNew,
  sealFinal,
  settledInfo,
  terminate,
  unwant,
  want,
  wantedBy,
}

export type OperationName = keyof Operations
export type OperationArgs<N extends OperationName> = Parameters<Operations[N]>[1]
export type OperationResult<N extends OperationName> =
  ReturnType<Operations[N]> extends Operation<infer T> ? T : never
/** A result once nobody else holds the upload. */
export type FreeResult<N extends OperationName> = Exclude<OperationResult<N>, Busy>

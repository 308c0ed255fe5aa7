/** What can go wrong with a request, before and after it has become bytes. @module */
import { randomUUID } from 'node:crypto'
import type { Dice } from './dice.ts'
import { NASTY_FIELDS, NASTY_TARGETS, NASTY_VALUES } from './fuzz-dictionary.ts'

/** A request before it is bytes. */
export interface Draft {
  method: string
  target: string
  version: string
  fields: [name: string, value: string][]
  body: Buffer
}

/** What goes wrong while it is still a request. */
export const CHANGES: readonly ((draft: Draft, dice: Dice) => void)[] = [
  ({ fields }, dice) => fields.splice(dice.below(fields.length), 1),
  ({ fields }, dice) => fields.splice(dice.below(fields.length), 0, [...dice.pick(fields)]),
  ({ fields }, dice) => fields.push([dice.pick(fields)[0], dice.pick(NASTY_VALUES)]),
  ({ fields }, dice) => fields.push([...dice.pick(NASTY_FIELDS)]),
  ({ fields }, dice) => {
    dice.pick(fields)[1] = dice.pick(NASTY_VALUES)
  },
  ({ fields }, dice) => {
    const field = dice.pick(fields)
    field[0] = dice.pick([
      field[0].toUpperCase(),
      `${field[0]} `,
      `X${field[0]}`,
      field[0].slice(1),
    ])
  },
  ({ fields }, dice) => {
    const huge = dice.pick([4097, 9000, 17_000, 100_000])
    fields.push([dice.pick(['Upload-Metadata', 'X-Huge', 'Origin']), `a ${'A'.repeat(huge)}`])
  },
  ({ fields }, dice) => {
    for (let n = dice.pick([50, 500, 2500]); n > 0; n--) fields.push([`X-${n}`, 'a'])
  },
  (draft, dice) => {
    const length = draft.body.length + dice.pick([-20, -1, 1, 20, 40_000, 10 ** 15])
    draft.fields.push(['Content-Length', `${length}`])
  },
  (draft, dice) => {
    draft.body = dice.bytes(dice.pick([1, 100, 6000, 40_000]))
  },
  (draft, dice) => {
    draft.target = dice.pick([...NASTY_TARGETS, `/files/${randomUUID()}`, `${draft.target}/`])
  },
  (draft, dice) => {
    draft.method = dice.pick(['get', 'PATCHED', 'CONNECT', 'PRI', 'QUERY', 'M-SEARCH', ''])
  },
  (draft, dice) => {
    draft.version = dice.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', ''])
  },
]

/** What goes wrong on the wire. */
export const DAMAGES: readonly ((bytes: Buffer, dice: Dice) => Buffer)[] = [
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8))
    return bytes
  },
  (bytes, dice) => {
    bytes[dice.below(bytes.length)] = dice.below(256)
    return bytes
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    const inserted = dice.chance(0.5) ? dice.bytes(1 + dice.below(20)) : Buffer.from('\r\n')
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + dice.below(20))])
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length)
    const end = at + dice.below(200)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
  },
]

/** Which parts of tus 1.0.0 are served beyond its core. @module */
import type { Storage } from '../store/storage.ts'

/** Whatever the storage. */
const ALWAYS = [
  'creation',
  'creation-with-upload',
  'creation-defer-length',
  'checksum',
  'termination',
] as const

const CONCATENATION = ['concatenation', 'concatenation-unfinished'] as const

/** `Tus-Extension`, but for what an adapter adds. */
export function extensionsOf(storage: Storage, { expires }: { expires: boolean }): string[] {
  return [
    ...ALWAYS,
    ...(expires ? ['expiration'] : []),
    ...(storage.concatenation ? CONCATENATION : []),
  ]
}

/** The C library of the system, through koffi, which is loaded when it is first needed. @module */
import { createRequire } from 'node:module'

type Koffi = typeof import('koffi')

export interface CLibrary {
  readonly koffi: Koffi
  readonly libc: ReturnType<Koffi['load']>
}

/** @throws where koffi has no build for this platform, or is not installed */
export function openCLibrary(): CLibrary {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi
  return { koffi, libc: koffi.load(null) }
}

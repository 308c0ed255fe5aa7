/** Functions of the C library that Node has no call for. @module */
import { createRequire } from 'node:module'
import type { LibraryHandle } from 'koffi'

/** `undefined` where it cannot be called: no koffi for this platform, or no such function. */
export function loadCFunction(prototype: string): ReturnType<LibraryHandle['func']> | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    return koffi.load(null).func(prototype)
  } catch {
    return undefined
  }
}

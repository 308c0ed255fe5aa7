/** Functions of the C library that Node has no call for. @module */
import { type CLibrary, openCLibrary } from '../store/fs/c-library.ts'

/** `undefined` where it cannot be called: no koffi for this platform, or no such function. */
export function loadCFunction(prototype: string): ReturnType<CLibrary['libc']['func']> | undefined {
  try {
    return openCLibrary().libc.func(prototype)
  } catch {
    return undefined
  }
}

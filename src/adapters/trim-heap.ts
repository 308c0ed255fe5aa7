/** Gives memory back to the system that was freed long ago: glibc keeps it for what comes next. @module */
import { createRequire } from 'node:module'

/** In a thread of its own; the heap is locked for milliseconds. */
export type TrimHeap = () => void

/** `undefined` where the C library has nothing of the kind. */
export function loadTrimHeap(): TrimHeap | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const trim = koffi.load(null).func('int malloc_trim(size_t pad)')
    return () => trim.async(0, () => undefined)
  } catch {
    return undefined
  }
}

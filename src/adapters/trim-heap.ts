/** Gives memory back to the system that was freed long ago: glibc keeps it for what comes next. @module */
import { loadCFunction } from './c-function.ts'

let trim: ReturnType<typeof loadCFunction> | null = null

/** In a thread of its own; the heap is locked for milliseconds. Nothing where the C library has no such call. */
export function trimHeap(): void {
  if (trim === null) trim = loadCFunction('int malloc_trim(size_t pad)')
  trim?.async(0, () => undefined)
}

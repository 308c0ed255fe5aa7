/** A second descriptor of the same connection, which Node has no call for. @module */
import { createRequire } from 'node:module'

/** Of Linux; a program that is started does not inherit the descriptor. */
const F_DUPFD_CLOEXEC = 1030

/** Gives the new descriptor, -1 when there is none to be had. */
export type DuplicateDescriptor = (fd: number) => number

/** `undefined` where it cannot be called. */
export function loadDuplicateDescriptor(): DuplicateDescriptor | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)')
    return (fd) => fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0)
  } catch {
    return undefined
  }
}

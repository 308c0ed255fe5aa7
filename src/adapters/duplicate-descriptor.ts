/** A second descriptor of the same connection. @module */
import { loadCFunction } from './c-function.ts'

/** Of Linux; a program that is started does not inherit the descriptor. */
const F_DUPFD_CLOEXEC = 1030

/** Gives the new descriptor, -1 when there is none to be had. */
export type DuplicateDescriptor = (fd: number) => number

/** `undefined` where it cannot be called. */
export function loadDuplicateDescriptor(): DuplicateDescriptor | undefined {
  if (process.platform !== 'linux') return undefined
  const fcntl = loadCFunction('int fcntl(int fd, int command, ...)')
  return fcntl && ((fd) => fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0))
}

/** Servers whose system calls strace watches or breaks. @module */
import { type Running, start } from '../run.ts'

/**
 * Starts a `tussi-server` below strace. The process is the server itself, for strace passes signals
 * on to nobody; it has ended once strace has written everything.
 */
export function straced(
  cwd: string,
  options: readonly string[],
  main: string,
  flags: readonly string[],
): Running {
  const strace = ['-D', '-f', '-qq', ...options]
  return start('strace', [...strace, process.execPath, main, '--port', '0', ...flags], { cwd })
}

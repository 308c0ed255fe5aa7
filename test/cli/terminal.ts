/** A command on a terminal of 80 by 24, made by `script` of Debian's bsdutils. @module */
import { type Running, start } from '../run.ts'

export const ENTER = '\r'
export const CTRL_C = '\u0003'

export interface Terminal extends Running {
  type(keys: string): void
}

export function startOnTerminal(program: string, args: readonly string[], cwd: string): Terminal {
  const quoted = [process.execPath, program, ...args].map((arg) => `'${arg}'`).join(' ')
  const command = `stty cols 80 rows 24; exec ${quoted}`
  const running = start('script', ['-qefc', command, '/dev/null'], {
    cwd,
    env: { SHELL: '/bin/sh', TERM: 'xterm', CI: '' },
  })
  return { ...running, type: (keys) => void running.child.stdin.write(keys) }
}

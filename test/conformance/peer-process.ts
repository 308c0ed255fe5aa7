/** A server of somebody else as a process of its own. @module */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Running } from './exchange.ts'
import { sendOverHttp } from './transports.ts'

/**
 * Starts it in an empty directory, which `argsFor` is told; it ends with `close`.
 *
 * @param ready finds the port in what it prints
 */
export async function startPeer(
  command: string,
  argsFor: (directory: string) => readonly string[],
  ready: RegExp,
): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'tussi-peer-'))
  const child = spawn(command, argsFor(directory), { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const port = await new Promise<number>((resolve, reject) => {
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        printed += chunk
        const [, found] = ready.exec(printed) ?? []
        if (found) resolve(Number(found))
      })
    }
    exited.then(() => reject(new Error(`${command} ended: ${printed}`)), reject)
  })
  return {
    send: sendOverHttp(port),
    authority: `127.0.0.1:${port}`,
    async close() {
      child.kill()
      await exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Sends broken requests over connections that break, and judges the answers. @module */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Dice } from './dice.ts'
import { type FuzzedUploads, fuzzed } from './fuzz-requests.ts'
import { seeded } from './seeded.ts'

const AT_ONCE = 16

/** Sends bytes in pieces, sometimes not to their end; resolves with all that was answered in time. */
function exchange(port: number, bytes: Buffer, dice: Dice): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let answer = ''
    let timer: NodeJS.Timeout | undefined
    const patience = (ms: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => (dice.chance(0.5) ? socket.destroy() : socket.resetAndDestroy()), ms)
    }
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearTimeout(timer)
        resolve(answer)
      })
    socket.on('data', (piece) => {
      answer += piece.toString('latin1')
      patience(15)
    })
    const end = dice.chance(0.1) ? dice.below(bytes.length) : bytes.length
    const send = async (): Promise<void> => {
      for (let at = 0; at < end && !socket.destroyed; ) {
        const next = dice.chance(0.7) ? end : Math.min(end, at + 1 + dice.below(end - at))
        await new Promise((written) => socket.write(bytes.subarray(at, next), written))
        if (next < end) await delay(dice.below(3))
        at = next
      }
      patience(end < bytes.length ? 0 : 80)
    }
    socket.once('connect', () => void send())
  })
}

/** Resolves with what should not have been answered, in words. */
export async function attack(
  port: number,
  uploads: FuzzedUploads,
  { seed, from, to }: { readonly seed: number; readonly from: number; readonly to: number },
): Promise<string[]> {
  const wrong: string[] = []
  let next = from
  const client = async (): Promise<void> => {
    while (next < to && wrong.length < 5) {
      const number = next++
      const dice = new Dice(seeded(seed + number * 7919))
      const bytes = fuzzed(dice, uploads)
      const answer = await exchange(port, bytes, dice)
      const [fault] = /^HTTP\/1\.1 5\d\d [\s\S]*/m.exec(answer) ?? []
      const shown = bytes.subarray(0, 1000).toString('latin1')
      if (fault !== undefined) wrong.push(`seed ${seed}, request ${number}: ${shown} => ${fault}`)
      const [, path] = /^Location: \S+(\/files\/[0-9a-f-]{36})\r/m.exec(answer) ?? []
      if (path !== undefined) uploads.targets[number % uploads.targets.length] = { path, offset: 0 }
      const [, offset] = /^Upload-Offset: (\d+)/m.exec(answer) ?? []
      const asked = uploads.targets.find(({ path }) => bytes.includes(path))
      if (offset !== undefined && asked) asked.offset = Number(offset)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  return wrong
}

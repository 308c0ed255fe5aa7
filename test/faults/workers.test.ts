/**
 * Eight worker processes on one queue, killed at random: every upload is acknowledged once, none is
 * lost, and none is held by two that live.
 *
 * `TUSSI_UPLOADS` and `TUSSI_SEED` make it longer or repeat it.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Running, start } from '../run.ts'
import { createUpload, idOf, serve, temporaryDirectory } from '../serve.ts'
import { fromEnvironment, seeded } from './seeded.ts'

const UPLOADS = fromEnvironment('TUSSI_UPLOADS', 400)
const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)
const WORKERS = 8
const SCRIPT = new URL('worker-process.mjs', import.meta.url).pathname

interface Life {
  readonly worker: Running
  killedAt: number
}

/** From the claim of an upload to its end, by acknowledgement or by the death of its holder. */
interface Hold {
  readonly id: string
  readonly from: number
  readonly to: number
}

function holdsOf({ worker, killedAt }: Life): Hold[] {
  const lines = worker.stdout().split('\n').filter(Boolean)
  const events = lines.map((line) => line.split(' ') as [string, string, string])
  return events
    .filter(([what]) => what === 'claimed')
    .map(([, id, from]) => {
      const end = events.find(([what, other]) => what === 'ending' && other === id)
      return { id, from: Number(from), to: end ? Number(end[2]) : killedAt }
    })
}

function doneBy({ worker }: Life): string[] {
  return [...worker.stdout().matchAll(/^done (\S+)/gm)].map(([, id = '']) => id)
}

it(
  'hands every upload to one live worker until it is acknowledged',
  async () => {
    const root = await temporaryDirectory()
    const random = seeded(SEED)
    const { url, completedDir } = await serve(root, {}, { kills: true })
    const lives: Life[] = []
    const born = (): Life => {
      const life = { worker: start(process.execPath, [SCRIPT, root]), killedAt: Number.NaN }
      lives.push(life)
      return life
    }
    const living = Array.from({ length: WORKERS }, born)
    const ids: string[] = []
    const creating = (async () => {
      while (ids.length < UPLOADS) {
        const locations = await Promise.all([1, 2, 3, 4].map(() => createUpload(url, 0)))
        ids.push(...locations.map(idOf))
      }
    })()
    const left = async (): Promise<readonly string[]> =>
      (await readdir(completedDir)).filter((name) => name !== '.tussi')
    // A kill in an acknowledgement may leave the record, which is the janitor's to sweep.
    const drained = async (): Promise<boolean> =>
      ids.length >= UPLOADS && (await left()).every((name) => name.endsWith('.meta'))
    let kills = 0
    for (let empty = false; !empty; ) {
      const victim = Math.floor(random() * WORKERS)
      const life = living[victim] as Life
      // On a busy machine a process that is killed before it has begun proves nothing, and ends never.
      while (!/^claimed/m.test(life.worker.stdout()) && !(await drained())) await delay(5)
      life.killedAt = Date.now()
      await life.worker.stop('SIGKILL')
      kills++
      living[victim] = born()
      await delay(random() * 200)
      empty = await drained()
    }
    await creating
    for (const { worker } of living) await worker.stop('SIGKILL')

    expect(kills, `seed ${SEED}`).toBeGreaterThan(3)
    for (const name of await left()) {
      const id = name.slice(0, -'.meta'.length)
      const tombstone = join(completedDir, '.tussi', 'ended', id.slice(0, 2), id)
      expect(existsSync(tombstone), `${id} was acknowledged, seed ${SEED}`).toBe(true)
    }
    const done = lives.flatMap(doneBy)
    expect(done.length, `seed ${SEED}`).toBe(new Set(done).size)
    // What was acknowledged in the moment of a kill has no witness; nothing else may be missing.
    expect(done.length).toBeGreaterThanOrEqual(ids.length - lives.length)
    const holds = lives.flatMap(holdsOf).sort((a, b) => a.from - b.from)
    expect(new Set(holds.map(({ id }) => id))).toEqual(new Set(ids))
    const last = new Map<string, Hold>()
    for (const hold of holds) {
      const before = last.get(hold.id)
      if (before) expect(hold.from, `${hold.id}, seed ${SEED}`).toBeGreaterThanOrEqual(before.to)
      last.set(hold.id, hold)
    }
  },
  120_000 + UPLOADS * 120,
)

/**
 * Random walks over everything that can happen to uploads, crashes included, against a server process
 * and a worker in another. A walk that fails is made shorter.
 *
 * `TUSSI_WALKS` and `TUSSI_SEED` make it longer or repeat it.
 *
 * @module
 */
import { join } from 'node:path'
import fc from 'fast-check'
import { FilesystemStorage, Janitor, TusApp } from 'tussi'
import { expect, it } from 'vitest'
import { type RunningServer, startServer } from '../cli/commands.ts'
import { temporaryDirectory } from '../serve.ts'
import * as model from './model.ts'
import { fromEnvironment } from './seeded.ts'

const WALKS = fromEnvironment('TUSSI_WALKS', 25)
const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)

const which = fc.nat({ max: 20 })
/** Bodies on both sides of the size up to which they ride in a message, and larger than a batch. */
const size = fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.integer({ min: 1, max: 3_000_000 }))
const state = fc.constantFrom(
  ...(['receiving', 'part', 'joined', 'waiting', 'claimed', 'acknowledged'] as const),
)

const STEPS: fc.Arbitrary<model.Step>[] = [
  fc.oneof(fc.constant(0), size).map(model.create),
  size.map(model.createDeferred),
  size.map(model.createPartial),
  fc.constant(model.join()),
  fc.tuple(which, size).map((args) => model.append(...args)),
  fc.tuple(which, size).map((args) => model.append(...args)),
  fc
    .tuple(which, size, fc.constantFrom('right', 'wrong'))
    .map((args) => model.append(...(args as [number, number, 'right' | 'wrong']))),
  fc
    .tuple(which, fc.constantFrom('receiving' as const, 'part' as const, 'waiting' as const))
    .map((args) => model.terminate(...args)),
  which.map(model.terminateClaimed),
  fc.tuple(which, size).map((args) => model.cut(...args)),
  fc.tuple(which, fc.integer({ min: 1, max: 9 })).map((args) => model.appendElsewhere(...args)),
  fc.tuple(which, state).map((args) => model.look(...args)),
  fc.constant(model.crash()),
  fc.constant(model.claim()),
  which.map((n) => model.endClaim(n, 'acknowledge')),
  which.map((n) => model.endClaim(n, 'release')),
  fc.constant(model.cleanUp()),
]

interface Place {
  readonly real: model.Real
  /** Finishes what is left and ends everything. */
  end(known: model.Model): Promise<void>
}

async function place(): Promise<Place> {
  const cwd = await temporaryDirectory()
  const flags = ['--workers', '0', '--completed-dir', 'completed', '--upload-dir', 'uploads']
  let server: RunningServer = await startServer(cwd, flags)
  const { port } = new URL(server.url)
  const [directory, completedDir] = [join(cwd, 'uploads'), join(cwd, 'completed')]
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const storage = new FilesystemStorage({ directory, logger })
  const real: model.Real = {
    url: () => server.url,
    async crash() {
      await server.stop('SIGKILL')
      server = await startServer(cwd, [...flags, '--port', port])
    },
    worker: new TusApp({ storage, completedDir, logger }),
    janitor: new Janitor({ storage, completedDir, logger }),
    completedDir,
    claims: new Map(),
  }
  const end = async (known: model.Model): Promise<void> => {
    const finish = async (step: model.Step): Promise<void> => {
      while (await step.check(known)) await step.run(known, real)
    }
    try {
      await finish(model.append(0, 3_000_000))
      await finish(model.endClaim(0, 'release'))
      for (const { state } of known.uploads) {
        if (state === 'waiting') await model.claim().run(known, real)
      }
      await finish(model.endClaim(0, 'acknowledge'))
      // Nobody is handed anything twice.
      await model.claim().run(known, real)
    } finally {
      for (const claim of real.claims.values()) await claim.release()
      await real.worker.close()
      await storage.close()
    }
    expect(await server.stop()).toMatchObject({ code: 0 })
  }
  return { real, end }
}

it(
  'keeps every promise on every walk',
  async () => {
    const steps = fc.commands(STEPS, { maxCommands: 50, size: 'max' })
    const walk = fc.asyncProperty(steps, async (commands) => {
      const known: model.Model = { uploads: [] }
      const { real, end } = await place()
      try {
        await fc.asyncModelRun(() => ({ model: known, real }), commands)
      } finally {
        await end(known)
      }
    })
    await fc.assert(walk, { seed: SEED, numRuns: WALKS })
  },
  60_000 + WALKS * 20_000,
)

/**
 * The plug is pulled at every recorded step: on a disk that holds what was synced, and of the rest
 * nothing or any part, a new server keeps every acknowledged byte and finishes every upload once.
 *
 * `TUSSI_CUTS` and `TUSSI_SEED` make it longer or repeat it.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { FilesystemStorage, TusApp } from 'tussi'
import { describe, expect, it } from 'vitest'
import { SERVER } from '../cli/commands.ts'
import { createUpload, createWith, idOf, patch, TUS, temporaryDirectory } from '../serve.ts'
import { type Event, recordDisk } from './disk.ts'
import { mutant } from './mutant.ts'
import { startRecorded } from './recording.ts'
import { fromEnvironment, seeded, seededBytes } from './seeded.ts'

const CUTS = fromEnvironment('TUSSI_CUTS', 150)
const SEED = fromEnvironment('TUSSI_SEED', 20_261_124)

/** A file system where a server starts quickly: what it finds is what matters here. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Bodies that ride in a message, and longer ones; an upload that is left unfinished, an empty one. */
const PLANS: readonly (readonly number[])[] = [
  [10],
  [5, 5, 5],
  [90_000, 70_000],
  [7, 80_000],
  [],
  [12],
  [8, 9],
]
const UNFINISHED = [3, 4]
/** Their first bytes come with the creation. */
const WITH_FIRST = [5, 6]

interface Sent {
  readonly id: string
  readonly data: Buffer
}

interface Recording {
  readonly cwd: string
  readonly events: readonly Event[]
  readonly sent: readonly Sent[]
  /** What each answer acknowledged: an upload and its offset. */
  readonly answers: readonly (readonly [Sent, number])[]
}

/** Uploads by turns, so that several are open at every moment. */
async function record(main: string): Promise<Recording> {
  const cwd = await realpath(await temporaryDirectory())
  const recorded = await startRecorded(main, cwd, ['--completed-dir', 'completed'])
  const sent: Sent[] = []
  const answers: [Sent, number][] = []
  const offsets: number[] = []
  for (const [i, sizes] of PLANS.entries()) {
    const length = sizes.reduce((sum, size) => sum + size, UNFINISHED.includes(i) ? 10 : 0)
    const data = seededBytes(i + 1, length)
    const first = WITH_FIRST.includes(i) ? (sizes[0] ?? 0) : 0
    const location =
      first > 0
        ? await createWith(recorded.url, length, data.subarray(0, first)).then(locationOf)
        : await createUpload(recorded.url, length)
    const upload = { id: idOf(location), data }
    sent.push(upload)
    offsets.push(first)
    answers.push([upload, first])
  }
  for (let turn = 0; turn < 3; turn++) {
    for (const [i, upload] of sent.entries()) {
      const size = PLANS[i]?.[turn]
      if (size === undefined || (turn === 0 && WITH_FIRST.includes(i))) continue
      const from = offsets[i] ?? 0
      const body = upload.data.subarray(from, from + size)
      const { status } = await patch(`${recorded.url}${upload.id}`, from, body)
      if (status !== 204) throw new Error(`PATCH: ${status}`)
      offsets[i] = from + size
      answers.push([upload, from + size])
    }
  }
  const contents = (path: string): Buffer | undefined =>
    sent.find(({ id }) => path.endsWith(id))?.data
  return { cwd, events: await recorded.end(contents), sent, answers }
}

function locationOf(response: Response): string {
  if (response.status !== 201) throw new Error(`POST: ${response.status}`)
  return response.headers.get('location') ?? ''
}

/** A server finds `files`; resolves with what is wrong, in words. */
async function recover(
  { cwd, sent, answers }: Recording,
  files: ReadonlyMap<string, Buffer>,
  answered: number,
): Promise<string[]> {
  const root = await temporaryDirectory(MEMORY)
  for (const [path, bytes] of files) {
    const place = join(root, relative(cwd, path))
    await mkdir(dirname(place), { recursive: true })
    await writeFile(place, bytes)
  }
  const [directory, completedDir] = [join(root, 'uploads'), join(root, 'completed')]
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const storage = new FilesystemStorage({ directory, fsync: false, logger })
  const tus = new TusApp({ storage, completedDir, logger })
  const told = new Map(answers.slice(0, answered))
  const wrong: string[] = []
  for (const [{ id, data }, acknowledged] of told) {
    const send = (method: string, headers: object, body?: Buffer): Promise<Response> =>
      tus.fetch(
        new Request(`http://localhost/${id}`, {
          method,
          headers: { ...TUS, ...headers },
          ...(body && { body: body as Uint8Array<ArrayBuffer>, duplex: 'half' }),
        }),
      )
    const head = await send('HEAD', {})
    const offset = Number(head.headers.get('upload-offset'))
    if (head.status !== 200) wrong.push(`${id} is gone: ${head.status}`)
    else if (offset < acknowledged) wrong.push(`${id} fell from ${acknowledged} to ${offset}`)
    else if (offset < data.length) {
      const headers = {
        'Upload-Offset': `${offset}`,
        'Content-Type': 'application/offset+octet-stream',
      }
      const { status } = await send('PATCH', headers, data.subarray(offset))
      if (status !== 204) wrong.push(`${id} cannot go on: ${status}`)
    }
  }
  if (wrong.length === 0) wrong.push(...(await takeAll(tus, completedDir, sent, told.size)))
  await tus.close()
  await storage.close()
  await rm(root, { recursive: true })
  return wrong
}

async function takeAll(
  tus: TusApp,
  completedDir: string,
  sent: readonly Sent[],
  count: number,
): Promise<string[]> {
  const wrong: string[] = []
  for (let i = 0; i < count; i++) {
    const upload = await tus.waitForFile({ timeoutMs: 3000 }).catch(() => undefined)
    if (!upload) return [`only ${i} of ${count} were handed out`]
    const bytes = await readFile(join(completedDir, upload.name))
    const { data } = sent.find(({ id }) => id === upload.name) ?? {}
    if (!data || !bytes.equals(data)) wrong.push(`${upload.name} has wrong bytes`)
    await upload.acknowledge()
  }
  return wrong
}

/** Cuts the power at moments spread over the recording; resolves with what went wrong first. */
async function pullPlugs(recording: Recording): Promise<string[]> {
  const { events } = recording
  const disk = recordDisk(events)
  const first = events.findIndex(({ kind }) => kind === 'answer')
  const wrong: string[] = []
  for (let cut = 0; cut < CUTS && wrong.length === 0; cut++) {
    const end = first + Math.floor(((cut + 0.5) / CUTS) * (events.length - first))
    // By turns: all that was not synced is lost, or what chance leaves of it.
    const chance = seeded(SEED + cut)
    const coins = new Map<number, boolean>()
    const survives = (change: number): boolean => {
      if (cut % 2 === 0) return false
      if (!coins.has(change)) coins.set(change, chance() < 0.5)
      return coins.get(change) === true
    }
    const answered = events.slice(0, end + 1).filter(({ kind }) => kind === 'answer').length
    const problems = await recover(recording, disk.after(end, survives), answered)
    wrong.push(...problems.map((problem) => `cut ${cut} after event ${end}: ${problem}`))
  }
  return wrong
}

describe('a loss of power', { timeout: 60_000 + CUTS * 1000 }, () => {
  it('takes nothing that was acknowledged', async () => {
    const recording = await record(SERVER)
    expect(recording.events.filter(({ kind }) => kind === 'answer')).toHaveLength(
      recording.answers.length,
    )
    expect(await pullPlugs(recording), `seed ${SEED}`).toEqual([])
  })

  it.each([
    [
      'the sync of data',
      'append.js',
      'record: advance(record, end), first: [dataOf(fd)]',
      'record: advance(record, end), first: []',
    ],
    ['the sync of a record', 'record-file.js', '[...first, dataOf(fd)]', 'first'],
    [
      'the sync of a record’s entry',
      'record-file.js',
      'yield* syncDirectory(io, dirname(path));',
      '',
    ],
    [
      'the sync of the completed directory',
      'finalize.js',
      '(io, completedDir, io.directory)',
      '(io, io.directory)',
    ],
  ])('without %s would', async (_what, file, code, instead) => {
    const recording = await record(await mutant(join('store', 'fs', file), code, instead))
    expect(await pullPlugs(recording)).not.toEqual([])
  })
})

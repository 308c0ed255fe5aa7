/** What both contract suites need around a storage: a fresh one per test, and a look at its bytes. @module */

import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { CompletedQueue } from '../../src/store/completed-queue.ts'
import type { NewUpload, Storage, StoredEntry, TerminateRequest } from '../../src/store/storage.ts'
import type { StoredUpload } from '../../src/store/upload.ts'
import { contentOf } from './content.ts'

/** A storage under test with the directory its finished uploads go to. */
export interface OpenStorage {
  readonly storage: Storage
  readonly completedDir: string
  /** Removes what the storage, closed by then, has left. */
  close(): Promise<void>
}

/** Makes a fresh, empty storage. */
export type OpenStorageFunction = () => Promise<OpenStorage>

/** A storage under test and its queue; both end with the test. */
export interface Harness {
  readonly storage: Storage
  readonly completedDir: string
  readonly queue: CompletedQueue
}

/** Opens a fresh storage for the running test. */
export async function openForTest(open: OpenStorageFunction): Promise<Harness> {
  const { storage, completedDir, close } = await open()
  onTestFinished(async () => {
    await storage.close()
    await close()
  })
  return { storage, completedDir, queue: storage.openQueue(completedDir) }
}

/** An empty directory for the running test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tussi-contract-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** What a creator decides, where the test does not care. */
export function newUpload(given: Partial<NewUpload> = {}): NewUpload {
  return {
    id: randomUUID(),
    length: 10,
    metadata: {},
    uploadMetadata: '',
    serverMetadata: {},
    ...given,
  }
}

/** Creates an upload and sends its first bytes. */
export async function startUpload(
  { storage, completedDir }: Harness,
  { sent = '', ...given }: Partial<NewUpload> & { readonly sent?: string } = {},
): Promise<string> {
  const { uploadId } = await storage.create(newUpload(given))
  if (sent) await storage.append(uploadId, { offset: 0, content: contentOf(sent), completedDir })
  return uploadId
}

/** Creates an upload and sends all of it, as the server does: append, then tell the queue. */
export async function completeUpload(
  harness: Harness,
  { content = 'hello', ...given }: Partial<NewUpload> & { readonly content?: string } = {},
): Promise<string> {
  const length = Buffer.byteLength(content)
  const id = await startUpload(harness, { ...given, length, sent: content })
  if (length === 0) await harness.storage.finalize(id, harness.completedDir)
  harness.queue.notify(id)
  return id
}

/** A signal for a claim that must come: bounded, so that a lost one fails the test with a reason. */
export function soon(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(4_000) }
}

/** How an upload is terminated. */
export function terminated({ completedDir }: Harness): TerminateRequest {
  return { completedDir, end: 'terminated' }
}

/** Claims the one upload that waits, saves it, acknowledges it and resolves with its bytes. */
export async function receive({ queue }: Harness): Promise<{ id: string; bytes: Buffer }> {
  const directory = await temporaryDirectory()
  const claim = await queue.claim(soon())
  const bytes = await readFile(await claim.moveData(join(directory, 'data'), {}))
  await claim.acknowledge()
  return { id: claim.id, bytes }
}

/** True when nothing can be claimed now: a claim that gets nothing within 300 ms. */
export async function nothingToClaim({ queue }: Harness): Promise<boolean> {
  const none = new Error('nothing came')
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(none), 300)
  try {
    const claim = await queue.claim({ signal: controller.signal })
    await claim.release()
    return false
  } catch (error) {
    if (error !== none) throw error
    return true
  } finally {
    clearTimeout(timer)
  }
}

/** All of `items`. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The entries that the janitor is shown for `id`. */
export async function entriesOf(
  { storage, completedDir }: Harness,
  id: string,
): Promise<StoredEntry[]> {
  return (await collect(storage.entries(completedDir))).filter((entry) => entry.id === id)
}

/** The one entry of `kind` that the janitor is shown for `id`. */
export async function entryOf(
  harness: Harness,
  kind: StoredEntry['kind'],
  id: string,
): Promise<StoredEntry> {
  const found = (await entriesOf(harness, id)).filter((entry) => entry.kind === kind)
  const [entry] = found
  if (!entry || found.length > 1) throw new Error(`${found.length} entries of ${kind} for ${id}`)
  return entry
}

/** The ids of the unfinished uploads. */
export async function listedIds({ storage }: Harness): Promise<string[]> {
  return (await collect<StoredUpload>(storage.list())).map(({ uploadId }) => uploadId)
}

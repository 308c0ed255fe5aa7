/** What tests around a running server share: a place on the disk, a server, a client's requests. @module */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { FilesystemStorage, TusApp, type TusAppOptions } from 'tussi'
import { expect, onTestFinished } from 'vitest'

export const TUS = { 'Tus-Resumable': '1.0.0' } as const

/** A directory that lasts for one test, in whose end nothing in it may be open. */
export async function temporaryDirectory(below: string = tmpdir()): Promise<string> {
  const path = await mkdtemp(join(below, 'tussi-test-'))
  onTestFinished(async () => {
    const open = await openDescriptors(path)
    await rm(path, { recursive: true, force: true })
    expect(open, 'descriptors that were left open').toEqual([])
  })
  return path
}

/** What this process has open below `path`. */
export async function openDescriptors(path: string): Promise<string[]> {
  const names = await readdir('/proc/self/fd')
  const targets = names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ''))
  return (await Promise.all(targets)).filter((target) => target.startsWith(`${path}/`))
}

export interface Served {
  readonly tus: TusApp
  readonly storage: FilesystemStorage
  readonly server: Server
  readonly port: number
  /** Where uploads are created. */
  readonly url: string
  readonly directory: string
  readonly completedDir: string
  /** Ends it before the test does. */
  close(): Promise<void>
}

export type ServeOptions = Omit<Partial<TusAppOptions>, 'storage' | 'completedDir'>

/** What else a test does to the directories of its server. */
export interface ServeContext {
  /** It kills processes at their work, so that temporary files of theirs stay for the janitor. */
  readonly kills?: boolean
}

/** A server on `root`, which may hold uploads of an earlier one; it ends with the test. */
export async function serve(
  root: string,
  options: ServeOptions = {},
  { kills = false }: ServeContext = {},
): Promise<Served> {
  const directory = join(root, 'uploads')
  const completedDir = join(root, 'completed')
  const storage = new FilesystemStorage({ directory })
  const tus = new TusApp({ storage, completedDir, maxChunkSize: null, ...options })
  const server = createServer(tus.listener).on('checkContinue', tus.checkContinue)
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let ended: Promise<void> | undefined
  const close = (): Promise<void> => {
    ended ??= (async () => {
      server.close()
      await tus.close()
      server.closeAllConnections()
      await storage.close()
    })()
    return ended
  }
  onTestFinished(async () => {
    await close()
    if (kills) return
    for (const below of [directory, completedDir]) {
      for (const name of ['tmp', 'stop']) {
        const left = await readdir(join(below, '.tussi', name)).catch(() => [])
        expect(left, 'temporary files that were left behind').toEqual([])
      }
    }
  })
  const url = `http://127.0.0.1:${port}/files/`
  return { tus, storage, server, port, url, directory, completedDir, close }
}

/** `Upload-Metadata` of these values. */
export function metadata(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
}

/** Creates an upload; resolves with its URL. */
export async function createUpload(
  url: string,
  length: number,
  values: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...TUS,
      ...headers,
      'Upload-Length': `${length}`,
      'Upload-Metadata': metadata(values),
    },
  })
  if (response.status !== 201) throw new Error(`POST: ${response.status} ${await response.text()}`)
  return response.headers.get('location') ?? ''
}

/** Creates an upload with its first bytes; resolves with the answer. */
export function createWith(url: string, length: number, body: Uint8Array): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Length': `${length}`,
    },
    body: body as Uint8Array<ArrayBuffer>,
  })
}

export function patch(
  url: string,
  offset: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'PATCH',
    headers: {
      ...TUS,
      ...headers,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Offset': `${offset}`,
    },
    body: body as Uint8Array<ArrayBuffer>,
  })
}

/** The offset that the server tells. */
export async function offsetOf(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(url, { method: 'HEAD', headers: { ...TUS, ...headers } })
  if (response.status !== 200) throw new Error(`HEAD: ${response.status}`)
  return Number(response.headers.get('upload-offset'))
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

export function sha256Of(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function idOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

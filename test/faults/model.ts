/**
 * What a client and a worker know of a server, as commands for random walks: each checks that the
 * server did what was promised, whatever happened before.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import * as path from 'node:path'
import type fc from 'fast-check'
import type { CompletedUpload, Janitor, TusApp } from 'tussi'
import { expect } from 'vitest'
import { createUpload, idOf, offsetOf, patch, TUS } from '../serve.ts'
import { concatenate } from './parts.ts'
import { seededBytes } from './seeded.ts'

/** One upload as its client sees it. */
export interface Known {
  readonly url: string
  readonly data: Buffer
  /** The last offset that an answer has told. */
  acknowledged: number
  /** Where a request ends that was cut off: its bytes may arrive at any later time. */
  late: number
  /** The server has not been told its length. */
  deferred: boolean
  /** It is only to be a part of another: complete, it waits for that and never for a worker. */
  readonly partial?: boolean
  state: 'receiving' | 'part' | 'joined' | 'waiting' | 'claimed' | 'acknowledged' | 'terminated'
}

export interface Model {
  readonly uploads: Known[]
}

/** The real thing: a server process that can be killed, and a worker on its directories. */
export interface Real {
  url(): string
  crash(): Promise<void>
  readonly worker: TusApp
  readonly janitor: Janitor
  readonly completedDir: string
  readonly claims: Map<string, CompletedUpload>
}

export type Step = fc.AsyncCommand<Model, Real>

let seeds = 0

function step(
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, real: Real) => Promise<void>,
): Step {
  return { check, run, toString: () => name }
}

function pick(model: Model, which: number, state: Known['state']): Known | undefined {
  const those = model.uploads.filter((upload) => upload.state === state)
  return those[which % those.length]
}

/** A step that needs an upload in `state`. */
function stepOn(
  name: string,
  which: number,
  state: Known['state'],
  run: (upload: Known, real: Real, model: Model) => Promise<void>,
): Step {
  return step(
    name,
    (model) => pick(model, which, state) !== undefined,
    (model, real) => run(pick(model, which, state) as Known, real, model),
  )
}

/** Asks where the upload is, which must be between what was told and what was sent. */
async function resume(upload: Known): Promise<void> {
  const offset = await offsetOf(upload.url)
  expectWithin(upload, offset)
  told(upload, offset)
}

function expectWithin({ acknowledged, late }: Known, offset: number): void {
  expect(offset).toBeGreaterThanOrEqual(acknowledged)
  expect(offset).toBeLessThanOrEqual(Math.max(acknowledged, late))
}

function told(upload: Known, offset: number): void {
  upload.acknowledged = offset
  const complete = offset === upload.data.length && !upload.deferred
  if (complete && upload.state === 'receiving') upload.state = upload.partial ? 'part' : 'waiting'
}

export function create(length: number): Step {
  return step(
    `create(${length})`,
    () => true,
    async ({ uploads }, real) => {
      const data = seededBytes(++seeds, length)
      const url = await createUpload(real.url(), length)
      const state = length === 0 ? 'waiting' : 'receiving'
      uploads.push({ url, data, acknowledged: 0, late: 0, deferred: false, state })
    },
  )
}

export function createPartial(length: number): Step {
  return step(
    `createPartial(${length})`,
    () => true,
    async ({ uploads }, real) => {
      const data = seededBytes(++seeds, length)
      const url = await createUpload(real.url(), length, {}, { 'Upload-Concat': 'partial' })
      const state = 'receiving'
      uploads.push({ url, data, acknowledged: 0, late: 0, deferred: false, partial: true, state })
    },
  )
}

/** Puts all parts that are complete together, the one that was completed last in front. */
export function join(): Step {
  const partsOf = ({ uploads }: Model): Known[] =>
    uploads.filter(({ state }) => state === 'part').reverse()
  return step(
    'join',
    (model) => partsOf(model).length > 0,
    async (model, real) => {
      const parts = partsOf(model)
      const data = Buffer.concat(parts.map((part) => part.data))
      const paths = parts.map(({ url }) => new URL(url).pathname)
      const response = await concatenate(real.url(), paths)
      expect(response.status).toBe(201)
      const url = response.headers.get('location') ?? ''
      const { length } = data
      model.uploads.push({
        ...{ url, data, acknowledged: length, late: length },
        ...{ deferred: false, state: 'waiting' },
      })
      for (const part of parts) part.state = 'joined'
    },
  )
}

/** One whose length comes with its last bytes. */
export function createDeferred(length: number): Step {
  return step(
    `createDeferred(${length})`,
    () => true,
    async ({ uploads }, real) => {
      const data = seededBytes(++seeds, length)
      const response = await fetch(real.url(), {
        method: 'POST',
        headers: { ...TUS, 'Upload-Defer-Length': '1' },
      })
      expect(response.status).toBe(201)
      const url = response.headers.get('location') ?? ''
      uploads.push({ url, data, acknowledged: 0, late: 0, deferred: true, state: 'receiving' })
    },
  )
}

/** `checksum` says whether one comes with the bytes, and whether it is theirs. */
export function append(which: number, size: number, checksum?: 'right' | 'wrong'): Step {
  return stepOn(`append(${which}, ${size}, ${checksum})`, which, 'receiving', async (upload) => {
    await resume(upload)
    if (upload.state !== 'receiving') return
    const { acknowledged: from, data } = upload
    const body = data.subarray(from, from + size)
    const last = from + body.length === data.length
    const hashed = createHash('sha1').update(checksum === 'wrong' ? 'other bytes' : body)
    const response = await patch(upload.url, from, body, {
      ...(checksum && { 'Upload-Checksum': `sha1 ${hashed.digest('base64')}` }),
      ...(upload.deferred && last && { 'Upload-Length': `${data.length}` }),
    })
    // What was cut off may come now, and take over.
    if (response.status === 409 && upload.late > from) return resume(upload)
    expect(response.status).toBe(checksum === 'wrong' ? 460 : 204)
    if (checksum === 'wrong') return resume(upload)
    expect(response.headers.get('upload-offset')).toBe(`${from + body.length}`)
    if (last) upload.deferred = false
    told(upload, from + body.length)
  })
}

/** Where no byte of anybody can bring the upload. */
export function appendElsewhere(which: number, by: number): Step {
  return stepOn(`appendElsewhere(${which}, ${by})`, which, 'receiving', async (upload) => {
    await resume(upload)
    const beyond = Math.max(upload.acknowledged, upload.late) + by
    const response = await patch(upload.url, beyond, Buffer.from('x'))
    expect(response.status).toBe(409)
    expectWithin(upload, Number(response.headers.get('upload-offset')))
  })
}

/** Announces the rest of the upload, sends a part of it and is gone. */
export function cut(which: number, size: number): Step {
  return stepOn(`cut(${which}, ${size})`, which, 'receiving', async (upload) => {
    await resume(upload)
    if (upload.state !== 'receiving') return
    const { url, data, acknowledged: from } = upload
    const { port, pathname, host } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined)
    await once(socket, 'connect')
    const body = data.subarray(from, Math.min(from + size, data.length - 1))
    const head = `PATCH ${pathname} HTTP/1.1\r\nHost: ${host}\r\nTus-Resumable: 1.0.0\r\n`
    const rest = `Content-Type: application/offset+octet-stream\r\nUpload-Offset: ${from}\r\n`
    socket.write(`${head}${rest}Content-Length: ${data.length - from}\r\n\r\n`)
    upload.late = Math.max(upload.late, from + body.length)
    await new Promise((resolve) => socket.write(body, resolve))
    socket.destroy()
  })
}

/** Ends an upload that no worker has; afterwards it is gone. */
export function terminate(which: number, state: 'receiving' | 'part' | 'waiting'): Step {
  return stepOn(`terminate(${which}, ${state})`, which, state, async (upload) => {
    const request = (method: string): Promise<Response> =>
      fetch(upload.url, { method, headers: TUS })
    expect((await request('DELETE')).status).toBe(204)
    upload.state = 'terminated'
    expect((await request('HEAD')).status).toBe(410)
    expect((await request('DELETE')).status).toBe(410)
  })
}

/** What a worker has it keeps. */
export function terminateClaimed(which: number): Step {
  return stepOn(`terminateClaimed(${which})`, which, 'claimed', async (upload) => {
    const response = await fetch(upload.url, { method: 'DELETE', headers: TUS })
    expect(response.status).toBe(423)
    expect(await offsetOf(upload.url)).toBe(upload.data.length)
  })
}

export function look(which: number, state: Known['state']): Step {
  return stepOn(`look(${which}, ${state})`, which, state, resume)
}

export function crash(): Step {
  return step(
    'crash',
    () => true,
    (_model, real) => real.crash(),
  )
}

/** A worker gets one of those that wait, whole, or has to wait when there is none. */
export function claim(): Step {
  return step(
    'claim',
    () => true,
    async (model, real) => {
      const waiting = model.uploads.filter(({ state }) => state === 'waiting')
      // What a cut has left may have completed nothing: its last byte was never sent.
      const timeoutMs = waiting.length > 0 ? 5000 : 0
      const claimed = await real.worker.waitForFile({ timeoutMs }).catch((error) => error)
      if (waiting.length === 0) {
        expect(claimed).toMatchObject({ name: 'TimeoutError' })
        return
      }
      const upload = waiting.find(({ url }) => idOf(url) === claimed.name)
      expect(upload, `claimed ${claimed}`).toBeDefined()
      const bytes = await readFile(path.join(real.completedDir, claimed.name))
      expect(bytes.equals(upload?.data ?? Buffer.alloc(0))).toBe(true)
      real.claims.set(claimed.name, claimed)
      if (upload) upload.state = 'claimed'
    },
  )
}

export function endClaim(which: number, how: 'acknowledge' | 'release'): Step {
  return stepOn(`${how}(${which})`, which, 'claimed', async (upload, real) => {
    const id = idOf(upload.url)
    await real.claims.get(id)?.[how]()
    real.claims.delete(id)
    upload.state = how === 'acknowledge' ? 'acknowledged' : 'waiting'
  })
}

export function cleanUp(): Step {
  return step(
    'cleanUp',
    () => true,
    async (_model, { janitor }) => void (await janitor.run()),
  )
}

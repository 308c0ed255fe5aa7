/** Runs rows of the conformance table over one server. @module */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type ConformanceCase,
  type FieldExpectation,
  OFFSET_OCTET_STREAM,
} from './conformance-case.ts'
import type { FieldValue, Running, Start, TestRequest, TestResponse } from './exchange.ts'
import { arrangeRufh } from './rufh-upload.ts'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** What a peer cannot be expected to have. */
export interface TableOptions {
  /** The transport's name, for rows that it cannot carry. */
  readonly transport: string
  /** Whether refusals must be `application/problem+json` with a stable code. @defaultValue true */
  readonly problems?: boolean
  /** A pattern that its ids have. @defaultValue that of a UUID */
  readonly id?: string
}

/** A server with what can be expected of it. */
interface Subject extends Running {
  readonly problems: boolean
  readonly id: string
}

/** A row as a test: resolves when the server behaves as the row says, else rejects. */
export type RunCase = (row: ConformanceCase) => Promise<void>

/** One test per row, named by its id; servers are started once per set of options. */
export function describeConformance(
  name: string,
  rows: readonly ConformanceCase[],
  start: Start,
  options: TableOptions,
): void {
  describe(`conformance: ${name}`, () => {
    const run = caseRunner(start, options)
    for (const row of rows) {
      if (!row.notOver?.includes(options.transport)) it(`${row.id}: ${row.why}`, () => run(row))
    }
  })
}

/** Runs single rows; to be called where hooks can be registered. */
export function caseRunner(start: Start, options: TableOptions): RunCase {
  const { problems = true, id = UUID } = options
  const servers = new Map<string, Promise<Running>>()
  afterAll(async () => {
    for (const server of servers.values()) await (await server).close()
  })
  return async (row) => {
    const key = JSON.stringify(row.server ?? {}, (_, value) => nameOf(value))
    const server = servers.get(key) ?? start(row.server ?? {})
    servers.set(key, server)
    await runCase(row, { ...(await server), problems, id })
  }
}

/** JSON knows neither patterns nor functions. */
function nameOf(value: unknown): unknown {
  return value instanceof RegExp || typeof value === 'function' ? String(value) : value
}

async function runCase(row: ConformanceCase, server: Subject): Promise<void> {
  const { request, upload, status } = row
  const path = upload && (await arrangeFor(row, server, upload))
  const response = await server.send(
    requestOf(request.method, {
      ...request,
      path: fill(request.path ?? path ?? '/files/', path),
      fields: fillAll({ ...dialectFields(row), ...request.fields }, path, server),
    }),
  )
  expect([status].flat(), `status, with the body ${response.body}`).toContain(response.status)
  if (request.method !== 'OPTIONS' && row.rufh === undefined && !row.fields?.['Upload-Complete']) {
    expect(response.fields['tus-resumable']).toBe('1.0.0')
  }
  expectFields(response, row.fields ?? {}, server)
  expectInformational(response, row, server)
  if (server.problems && row.code) expectProblem(response, row, request.method)
  const made = createdPath(response)
  await expectAfterwards(row, server, row.created ? made : (path ?? made))
}

async function expectAfterwards(
  row: ConformanceCase,
  server: Subject,
  path: string | undefined,
): Promise<void> {
  if (!path) return
  const response = await server.send(requestOf('HEAD', { path, fields: dialectFields(row) }))
  if (row.headAfter !== undefined) {
    expect(response.status, 'status of HEAD afterwards').toBe(row.headAfter)
    expect(response.fields['upload-offset'], 'offset of what is gone').toBeUndefined()
    return
  }
  expect([200, 204], 'status of HEAD afterwards').toContain(response.status)
  const offset = row.offsetAfter ?? Buffer.byteLength(row.upload?.sent ?? '')
  expect(response.fields['upload-offset'], 'offset afterwards').toBe(`${offset}`)
  expectFields(response, row.after ?? {}, server)
}

function arrangeFor(
  { rufh }: ConformanceCase,
  server: Running,
  upload: NonNullable<ConformanceCase['upload']>,
): Promise<string> {
  return rufh === undefined ? arrange(server, upload) : arrangeRufh(server.send, upload)
}

/** What says which protocol a row speaks. */
function dialectFields({ rufh }: ConformanceCase): Record<string, FieldValue> {
  if (rufh === undefined) return {}
  const version = rufh !== null && { 'Upload-Draft-Interop-Version': `${rufh}` }
  return { 'Tus-Resumable': null, ...version }
}

function expectInformational(
  { informational }: TestResponse,
  { informational: expected }: ConformanceCase,
  server: Subject,
): void {
  if (!informational || !expected) return
  expect(informational.map(({ status }) => status)).toEqual(expected.map(() => 104))
  for (const [at, fields] of expected.entries()) {
    const { fields: received = {} } = informational[at] ?? {}
    expectFields({ fields: received }, fields, server)
  }
}

/** Creates the upload that a row begins with and resolves with its path. */
async function arrange(
  { send }: Running,
  { length, sent, metadata, fields, terminated, expired }: NonNullable<ConformanceCase['upload']>,
): Promise<string> {
  const size = length === null ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': `${length}` }
  const created = await send(
    requestOf('POST', {
      path: '/files/',
      fields: { ...size, 'Upload-Metadata': metadata ?? null, ...fields },
    }),
  )
  const path = createdPath(created)
  if (!path) throw new Error(`no upload to begin with: ${created.status} ${created.body}`)
  if (sent) await sendFirst(send, path, sent)
  if (expired) await delay(5)
  if (terminated) await send(requestOf('DELETE', { path }))
  return path
}

async function sendFirst(send: Running['send'], path: string, sent: string): Promise<void> {
  const patched = await send(
    requestOf('PATCH', {
      path,
      fields: { 'Content-Type': OFFSET_OCTET_STREAM, 'Upload-Offset': '0' },
      body: sent,
    }),
  )
  if (patched.status !== 204) throw new Error(`no bytes to begin with: ${patched.status}`)
}

function requestOf(
  method: string,
  {
    path,
    fields = {},
    body,
    chunked = false,
    trailers,
  }: {
    readonly path: string
    readonly fields?: Readonly<Record<string, FieldValue>>
    readonly body?: string
    readonly chunked?: boolean
    readonly trailers?: Readonly<Record<string, string>>
  },
): TestRequest {
  const all: Record<string, string | readonly string[]> = {}
  const defaults = method === 'OPTIONS' ? {} : { 'Tus-Resumable': '1.0.0' }
  for (const [name, value] of Object.entries({ ...defaults, ...fields })) {
    if (value !== null) all[name] = value
  }
  const more = trailers && { trailers }
  const request = { method, path, fields: all, chunked: chunked || trailers !== undefined, ...more }
  return body === undefined ? request : { ...request, body: Buffer.from(body) }
}

function createdPath({ status, fields }: TestResponse): string | undefined {
  if (status !== 201 || !fields.location) return undefined
  return new URL(fields.location, 'http://relative.test').pathname
}

function fillAll(
  fields: Readonly<Record<string, FieldValue>>,
  path: string | undefined,
  { authority }: Running,
): Record<string, FieldValue> {
  const filled = Object.entries(fields).map(([name, value]): [string, FieldValue] => {
    if (typeof value !== 'string') return [name, value]
    return [name, fill(value, path).replaceAll('{authority}', authority)]
  })
  return Object.fromEntries(filled)
}

function fill(path: string, uploadPath: string | undefined): string {
  return path.replaceAll('{id}', uploadPath?.split('/').at(-1) ?? '')
}

function expectProblem(
  { fields, body, status }: TestResponse,
  { code, detail, problem: members = {} }: ConformanceCase,
  method: string,
): void {
  if (method === 'HEAD') {
    expect(fields['tussi-error']).toBe(code)
    expect(body).toBe('')
    return
  }
  expect(fields['content-type']).toMatch(/^application\/problem\+json(?:;|$)/)
  const problem: unknown = JSON.parse(body)
  expect(problem).toMatchObject({ code, status, ...members })
  if (detail) expect(problem).toMatchObject({ detail: expect.stringMatching(detail) })
}

function expectFields(
  { fields }: Pick<TestResponse, 'fields'>,
  expected: Readonly<Record<string, FieldExpectation>>,
  { authority, id }: Subject,
): void {
  for (const [name, expectation] of Object.entries(expected)) {
    const value = fields[name.toLowerCase()]
    if (expectation === null) expect(value, name).toBeUndefined()
    else if (typeof expectation === 'string') {
      expect(value, name).toBe(expectation.replaceAll('{authority}', authority))
    } else if (expectation instanceof RegExp) {
      const source = expectation.source.replaceAll('{authority}', authority)
      const pattern = new RegExp(source.replaceAll('{uuid}', id), expectation.flags)
      expect(value, name).toEqual(expect.stringMatching(pattern))
    } else {
      const members = value?.split(',').map((member) => member.trim().toLowerCase()) ?? []
      for (const member of expectation.lists) {
        expect(members, name).toContain(member.toLowerCase())
      }
    }
  }
}

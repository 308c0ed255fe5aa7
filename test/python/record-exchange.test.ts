/** Records by the hundred, through the model of the real Python tussi 3.1 and back. @module */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatRecord, parseRecord, type RecordFields } from '../../src/store/upload-record.ts'
import { required } from '../run.ts'
import { ended, notes } from '../store/arbitrary-notes.ts'

/** Reads records, one a line; answers with the JSON that Python would write and what it holds. */
const MODEL = `
import json, sys
from datetime import datetime, timedelta, timezone
from tussi import UploadRecord

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime.fromtimestamp(0, timezone.utc)

for line in sys.stdin:
    record = UploadRecord.model_validate_json(line)
    print(json.dumps({
        'written': record.model_dump_json(),
        'fields': record.model_dump(mode='python', exclude={'finished_at', 'duration'}),
        'finished_us': record.finished_at and (record.finished_at - EPOCH) // MICROSECOND,
        'duration_us': None if record.duration is None else record.duration // MICROSECOND,
    }))
`

interface Held {
  readonly written: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly finished_us: number | null
  readonly duration_us: number | null
}

async function throughPython(records: readonly string[]): Promise<Held[]> {
  const interpreter = required('TUSSI_PYTHON', 'a Python with tussi==3.1.0')
  const child = spawn(interpreter, ['-c', MODEL])
  child.stdin.on('error', () => undefined)
  child.stdin.end(records.map((record) => `${record}\n`).join(''))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const held = stdout.split('\n').filter((line) => line !== '')
  if (held.length !== records.length) throw new Error(`python: ${stderr}`)
  return held.map((line) => JSON.parse(line))
}

const word = fc.string({ unit: 'grapheme' })
const texts = fc.dictionary(word, word, { noNullPrototype: true })
const keys = fc.stringMatching(/^[A-Za-z0-9_-]+$/)
const second = fc.double({ min: 0, max: 4e9, noNaN: true, noDefaultInfinity: true })
const tenYearsInMicros = 10 * 366 * 86_400 * 1e6
const records: fc.Arbitrary<RecordFields> = fc
  .record({
    length: fc.option(fc.maxSafeNat()),
    offset: fc.maxSafeNat(),
    metadata: texts,
    serverMetadata: texts,
    createdAt: second,
    lastWrite: second,
    finishedAt: fc.option(
      fc.date({
        noInvalidDate: true,
        min: new Date(0),
        max: new Date('9999-12-31T00:00:00Z'),
      }),
    ),
    durationMs: fc.option(
      fc.integer({ min: -tenYearsInMicros, max: tenYearsInMicros }).map((micros) => micros / 1000),
    ),
    complete: fc.boolean(),
    uploadMetadata: fc.string(),
    epoch: fc.nat(),
    attempts: fc.nat(),
    notBeforeMs: fc.option(fc.nat()),
    ended,
    notes,
  })
  .filter(({ length, offset }) => length === null || offset <= length)
  .map((record) => ({ ...record, complete: record.complete && record.offset === record.length }))

const SEED = 3_1_0
const SAMPLE = fc.sample(records, { numRuns: 300, seed: SEED })

/** What a record of ours holds, in the words of the model. */
function expected(record: RecordFields) {
  return {
    fields: {
      length: record.length,
      offset: record.offset,
      metadata: record.metadata,
      server_metadata: record.serverMetadata,
      last_write: record.lastWrite,
      created_at: record.createdAt,
    },
    finished_us: record.finishedAt && record.finishedAt.getTime() * 1000,
    duration_us: record.durationMs === null ? null : Math.round(record.durationMs * 1000),
  }
}

describe('the record', () => {
  it('of ours is read by Python with equal fields', async () => {
    const held = await throughPython(SAMPLE.map(formatRecord))
    for (const [index, record] of SAMPLE.entries()) {
      const { fields, finished_us, duration_us } = held[index] as Held
      expect({ fields, finished_us, duration_us }).toEqual(expected(record))
    }
  })

  it('that Python has written is read by ours with equal fields', async () => {
    const held = await throughPython(SAMPLE.map(formatRecord))
    for (const [index, record] of SAMPLE.entries()) {
      const read = parseRecord((held[index] as Held).written)
      const { durationMs, uploadMetadata, ...others } = read
      const { complete, epoch, attempts, notBeforeMs, ended, notes, ...rest } = others
      expect({ ...record, ...rest }).toEqual(record)
      if (record.durationMs === null) expect(durationMs).toBeNull()
      else expect(durationMs).toBeCloseTo(record.durationMs, 2)
      // Python drops our key.
      const none = { epoch: 0, attempts: 0, notBeforeMs: null, ended: null, notes: {} }
      expect(complete).toBe(record.offset === record.length)
      expect({ epoch, attempts, notBeforeMs, ended, notes }).toEqual(none)
      expect(uploadMetadata).not.toMatch(/[^ -~]/)
    }
  })

  it('of Python has its metadata echoed as the client sent it', async () => {
    const metadata = Object.fromEntries(
      fc.sample(fc.tuple(keys, word), { numRuns: 20, seed: SEED }),
    )
    const [record] = SAMPLE as [RecordFields]
    const [held] = (await throughPython([formatRecord({ ...record, metadata })])) as [Held]
    const pairs = parseRecord(held.written)
      .uploadMetadata.split(',')
      .map((pair) => pair.split(' '))
    expect(
      Object.fromEntries(
        pairs.map(([key, base64 = '']) => [key, Buffer.from(base64, 'base64').toString()]),
      ),
    ).toEqual(metadata)
  })

  it.each([
    ['PT0S', 0],
    ['P400D', 400 * 86_400_000],
    ['P365D', 365 * 86_400_000],
    ['-PT1S', -1000],
    ['-P1DT0.000001S', -86_400_000.001],
    ['P999999D', 999_999 * 86_400_000],
  ])('keeps a duration of %s, however Python writes it', async (duration, ms) => {
    const json = JSON.stringify({ length: 1, metadata: {}, last_write: 1, created_at: 1, duration })
    const [held] = (await throughPython([json])) as [Held]
    expect(parseRecord(held.written).durationMs).toBeCloseTo(ms, 3)
  })

  it.each([
    { finished_at: '2026-11-24T12:00:00.123456+00:00' },
    { finished_at: '2026-11-24T14:00:00.5+02:00' },
    { metadata: JSON.parse('{"__proto__":"p","constructor":"c"}') },
  ])('reads what Python makes of %j', async (change) => {
    const json = JSON.stringify({
      length: 1,
      metadata: {},
      last_write: 1,
      created_at: 1,
      ...change,
    })
    const [held] = (await throughPython([json])) as [Held]
    const ours = parseRecord(json)
    const theirs = parseRecord(held.written)
    expect(Object.entries(theirs.metadata)).toEqual(Object.entries(ours.metadata))
    expect(theirs.finishedAt).toEqual(ours.finishedAt)
  })

  it.each([
    { offset: null },
    { offset: -0.5 },
    { server_metadata: null },
    { metadata: { a: 1 } },
    { created_at: null },
    { finished_at: 'soon' },
    { duration: 'long' },
  ])('is refused by both: %j', async (change) => {
    const json = JSON.stringify({
      length: 1,
      metadata: {},
      last_write: 1,
      created_at: 1,
      ...change,
    })
    await expect(throughPython([json])).rejects.toThrow('ValidationError')
    expect(() => parseRecord(json)).toThrow(expect.objectContaining({ code: 'ERR_CORRUPT_RECORD' }))
  })
})

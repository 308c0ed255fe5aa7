import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { formatIsoDuration, parseIsoDuration } from '../../src/store/iso-duration.ts'
import {
  formatRecord,
  parseRecord,
  type RecordFields,
  UploadRecord,
} from '../../src/store/upload-record.ts'
import { ended, notes } from './arbitrary-notes.ts'

const PYTHON = {
  length: 5,
  offset: 2,
  metadata: { filename: 'a.txt', empty: '' },
  server_metadata: { by: 'me' },
  last_write: 1764000001.25,
  created_at: 1764000000.123456,
  finished_at: null,
  duration: null,
}

describe('parseRecord', () => {
  it('reads what Python writes', () => {
    expect(parseRecord(JSON.stringify(PYTHON))).toEqual({
      length: 5,
      offset: 2,
      metadata: { filename: 'a.txt', empty: '' },
      serverMetadata: { by: 'me' },
      lastWrite: 1764000001.25,
      createdAt: 1764000000.123456,
      finishedAt: null,
      durationMs: null,
      complete: false,
      uploadMetadata: 'filename YS50eHQ=,empty',
      epoch: 0,
      attempts: 0,
      notBeforeMs: null,
      ended: null,
      notes: {},
    })
  })

  it.each([
    [5, 5, true],
    [5, 4, false],
    [0, 0, true],
    [null, 5, false],
  ])('without our key, length %j at offset %j is complete: %j', (length, offset, complete) => {
    expect(parseRecord(JSON.stringify({ ...PYTHON, length, offset })).complete).toBe(complete)
  })

  it('reads a finished record, whichever way the time zone is written', () => {
    for (const finished_at of ['2026-11-24T12:00:00.123456Z', '2026-11-24T12:00:00.123+00:00']) {
      const record = parseRecord(
        JSON.stringify({ ...PYTHON, finished_at, duration: 'P1DT2H3M4.5S' }),
      )
      expect(record.finishedAt?.toISOString()).toBe('2026-11-24T12:00:00.123Z')
      expect(record.durationMs).toBe(93_784_500)
    }
  })

  it('reads a time of another zone', () => {
    const json = JSON.stringify({ ...PYTHON, finished_at: '2026-11-24T14:00:00+02:00' })
    expect(parseRecord(json).finishedAt?.toISOString()).toBe('2026-11-24T12:00:00.000Z')
  })

  it('takes the defaults of Python for what is not there', () => {
    const { length, metadata, last_write, created_at } = PYTHON
    expect(parseRecord(JSON.stringify({ length, metadata, last_write, created_at }))).toMatchObject(
      { offset: 0, serverMetadata: {}, finishedAt: null, durationMs: null },
    )
  })

  it('ignores keys that it does not know', () => {
    expect(parseRecord(JSON.stringify({ ...PYTHON, later: { x: 1 } })).offset).toBe(2)
  })

  it('keeps hostile keys as keys and nothing more', () => {
    const json = JSON.stringify(PYTHON).replace(
      '"empty":',
      '"__proto__":"p","constructor":"c","empty":',
    )
    const { metadata } = parseRecord(formatRecord(parseRecord(json)))
    expect(Object.entries(metadata)).toEqual([
      ['filename', 'a.txt'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['empty', ''],
    ])
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
  })

  it('rebuilds only pairs that a field may hold', () => {
    const metadata = { 'a\r\nX-Evil: 1': 'x', 'b c': 'y', '': 'z', ok: 'v' }
    expect(parseRecord(JSON.stringify({ ...PYTHON, metadata }))).toMatchObject({
      metadata,
      uploadMetadata: 'ok dg==',
    })
  })

  it.each([
    ['not JSON', '{"length":5,'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['length', { length: '5' }],
    ['a negative offset', { offset: -1 }],
    ['a fractional offset', { offset: 1.5 }],
    ['an offset beyond the length', { offset: 6 }],
    ['metadata', { metadata: { a: 1 } }],
    ['no metadata', { metadata: undefined }],
    ['created_at', { created_at: 'today' }],
    ['an endless time', { last_write: 1e300 }],
    ['no offset but null', { offset: null }],
    ['an unsafe length', { length: 2 ** 53 }],
    ['server_metadata', { server_metadata: null }],
    ['finished_at', { finished_at: 'soon' }],
    ['finished_at, a mere number', { finished_at: '1' }],
    ['finished_at in words', { finished_at: 'Nov 24 2026' }],
    ['finished_at without a zone', { finished_at: '2026-11-24T12:00:00' }],
    ['finished_at on no day', { finished_at: '2026-13-24T12:00:00Z' }],
    ['duration', { duration: 'long' }],
    ['an endless duration', { duration: `P${'9'.repeat(400)}D` }],
    ['our key, null', { tussi: null }],
    ['our key', { tussi: true }],
    ['our flag', { tussi: { v: 1, complete: 'yes', epoch: 0, upload_metadata: '' } }],
    [
      'a complete one that is short',
      { tussi: { v: 1, complete: true, epoch: 0, upload_metadata: '' } },
    ],
    ['our epoch', { tussi: { v: 1, complete: true, epoch: -1, upload_metadata: '' } }],
    [
      'a digest by an algorithm that nobody knows',
      {
        tussi: {
          ...{ v: 1, complete: true, epoch: 0, upload_metadata: '' },
          digests: { wanted: 'md5' },
        },
      },
    ],
  ])('refuses damage: %s', (_what, change) => {
    const json = typeof change === 'string' ? change : JSON.stringify({ ...PYTHON, ...change })
    expect(() => parseRecord(json)).toThrow(expect.objectContaining({ code: 'ERR_CORRUPT_RECORD' }))
  })

  it.each([
    [{ offset: -1 }, /offset/],
    [{ metadata: { a: 1 } }, /metadata\.a/],
    [{ tussi: { v: 1, complete: true, epoch: 1.5, upload_metadata: '' } }, /tussi\.epoch/],
  ])('names the damaged field: %j', (change, name) => {
    expect(() => parseRecord(JSON.stringify({ ...PYTHON, ...change }))).toThrow(name)
  })

  it('keeps what the JSON parser complained of', () => {
    expect(() => parseRecord('{')).toThrow(
      expect.objectContaining({ cause: expect.any(SyntaxError) }),
    )
  })

  it.each([{}, { offset: -1 }, { duration: 'in a way yet to come' }])(
    'refuses a newer version instead of guessing, whatever else it holds: %j',
    (change) => {
      const tussi = { v: 2, complete: true, epoch: 0, upload_metadata: '' }
      expect(() => parseRecord(JSON.stringify({ ...PYTHON, ...change, tussi }))).toThrow(
        expect.objectContaining({ code: 'ERR_RECORD_VERSION' }),
      )
    },
  )
})

const texts = fc.dictionary(fc.string(), fc.string())
const records: fc.Arbitrary<RecordFields> = fc
  .record({
    length: fc.option(fc.maxSafeNat()),
    offset: fc.maxSafeNat(),
    metadata: texts,
    serverMetadata: texts,
    createdAt: fc.double({ min: 0, max: 4e9, noNaN: true }),
    lastWrite: fc.double({ min: 0, max: 4e9, noNaN: true }),
    finishedAt: fc.option(fc.date({ noInvalidDate: true, min: new Date(0) })),
    durationMs: fc.option(fc.nat()),
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

describe('formatRecord', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(parseRecord(formatRecord(record))).toEqual(record)
      }),
    )
  })
})

describe('durations', () => {
  it.each([
    ['PT0S', 0],
    ['PT0.123456S', 123.456],
    ['P1DT2H3M4.123456S', 93_784_123.456],
    ['P400D', 34_560_000_000],
    ['-PT1S', -1000],
    ['PT1H', 3_600_000],
    ['+PT1M1S', 61_000],
    ['-PT23H59M55S', -86_395_000],
    ['P1Y35D', 34_560_000_000],
    ['P2Y', 63_072_000_000],
    ['-P1YT0.5S', -31_536_000_500],
  ])('%s is %d ms', (text, ms) => {
    expect(parseIsoDuration(text)).toBeCloseTo(ms, 6)
  })

  it.each(['', 'P', 'PT', '-P', 'P1W', 'P1M', 'P1D1Y', 'PT1', '1S', 'PT1S1M', 'PT-1S', 'P1DT'])(
    '%j is none',
    (text) => expect(parseIsoDuration(text)).toBeUndefined(),
  )

  it('of no finite length is none', () => {
    expect(parseIsoDuration(`P${'9'.repeat(400)}Y`)).toBeUndefined()
  })

  it('are read back to the microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 45), max: 2 ** 45 }), (micros) => {
        expect(parseIsoDuration(formatIsoDuration(micros / 1000))).toBeCloseTo(micros / 1000, 3)
      }),
    )
  })
})

describe('UploadRecord.fromFile', () => {
  it('reads a kept record', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tussi-record-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const path = join(directory, 'a.meta')
    await writeFile(path, JSON.stringify(PYTHON))
    expect(await UploadRecord.fromFile(path)).toMatchObject({
      length: 5,
      metadata: { filename: 'a.txt' },
      createdAt: new Date(1764000000123),
    })
  })

  it('says that a record is damaged', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tussi-record-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const path = join(directory, 'a.meta')
    await writeFile(path, '{"length":')
    await expect(UploadRecord.fromFile(path)).rejects.toMatchObject({ code: 'ERR_CORRUPT_RECORD' })
  })

  it('says which file it could not read', async () => {
    await expect(UploadRecord.fromFile('/nowhere/a.meta')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('/nowhere/a.meta'),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    })
  })
})

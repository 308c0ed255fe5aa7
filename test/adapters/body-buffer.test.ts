import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BodyBuffer } from '../../src/adapters/body-buffer.ts'
import { ByteBudget } from '../../src/adapters/byte-budget.ts'
import { releaseMemory } from '../../src/adapters/release-memory.ts'

const MIB = 2 ** 20

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open(budget = new ByteBudget(100 * MIB)) {
  const log: string[] = []
  const source = { resume: () => void log.push('resume'), pause: () => void log.push('pause') }
  return { buffer: new BodyBuffer(source, budget), log }
}

describe('BodyBuffer', () => {
  it('hands out a batch once it is worth a system call, in the buffers that came', async () => {
    const { buffer } = open()
    const rest = 64 * 1024
    const pieces = [Buffer.alloc(MIB), Buffer.alloc(MIB - rest - 1024), Buffer.alloc(1024)]
    const reading = buffer.read()
    for (const piece of pieces) buffer.push(piece)
    const batch = await reading
    expect(batch).toMatchObject({ byteLength: 2 * MIB - rest, last: false })
    expect(batch.pieces.every((piece, i) => piece === pieces[i])).toBe(true)
  })

  it('keeps small pieces together, for each would keep a large buffer alive', async () => {
    const { buffer } = open()
    const sent: Buffer[] = []
    for (let i = 0; i < 40_000; i++) sent.push(Buffer.from([i % 251]))
    sent.splice(20_000, 0, Buffer.alloc(5000, 7))
    for (const piece of sent) buffer.push(piece)
    buffer.end()
    const batch = await buffer.read()
    expect(batch.pieces.length).toBeLessThan(10)
    expect(Buffer.concat(batch.pieces).equals(Buffer.concat(sent))).toBe(true)
    expect(batch.byteLength).toBe(45_000)
  })

  it('hands out less when the sender pauses', async () => {
    const { buffer } = open()
    const reading = buffer.read()
    buffer.push(Buffer.from('a'))
    vi.advanceTimersByTime(40)
    buffer.push(Buffer.from('b'))
    vi.advanceTimersByTime(50)
    vi.advanceTimersByTime(50)
    expect(await reading).toMatchObject({ byteLength: 2, last: false })
  })

  it('hands out what a sender brings without a pause before it is old', async () => {
    const { buffer } = open()
    const reading = buffer.read()
    for (let ms = 0; ms <= 250; ms += 25) {
      buffer.push(Buffer.from('a'))
      vi.advanceTimersByTime(25)
    }
    expect(await reading).toMatchObject({ byteLength: 10, last: false })
  })

  it('hands out nothing after the time that was given, and only then', async () => {
    const { buffer } = open()
    const reading = buffer.read(1000)
    vi.advanceTimersByTime(1000)
    expect(await reading).toMatchObject({ byteLength: 0, last: false })
    let settled = false
    const patient = buffer.read()
    void patient.then(() => {
      settled = true
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(settled).toBe(false)
    buffer.end()
    expect(await patient).toMatchObject({ byteLength: 0, last: true })
  })

  it('says with which batch the body ends', async () => {
    const { buffer } = open()
    buffer.push(Buffer.from('abc'))
    buffer.end()
    expect(await buffer.read()).toMatchObject({ byteLength: 3, last: true })
    expect(await buffer.read()).toMatchObject({ byteLength: 0, last: true })
  })

  it('hands out what came before a failure, then fails', async () => {
    const { buffer } = open()
    buffer.push(Buffer.from('abc'))
    buffer.fail(new Error('cut'))
    buffer.push(Buffer.from('late'))
    expect(await buffer.read()).toMatchObject({ byteLength: 3, last: false })
    await expect(buffer.read()).rejects.toThrow('cut')
  })

  it('ends a waiting read at once when it is stopped', async () => {
    const { buffer } = open()
    const reading = buffer.read()
    buffer.fail(new Error('stopped'))
    await expect(reading).rejects.toThrow('stopped')
  })

  it('does not fail after its end', async () => {
    const { buffer } = open()
    buffer.end()
    buffer.fail(new Error('too late'))
    expect(await buffer.read()).toMatchObject({ last: true })
  })

  it('makes a fast sender wait, and lets it go on while a batch is written', async () => {
    const { buffer, log } = open()
    buffer.start()
    // With one more piece of a socket it would be beyond 2 MiB.
    buffer.push(Buffer.alloc(2 * MIB - 65_537))
    expect(log).toEqual(['resume'])
    buffer.push(Buffer.alloc(65_537))
    expect(log).toEqual(['resume', 'pause'])
    expect(await buffer.read()).toMatchObject({ byteLength: 2 * MIB })
    expect(log).toEqual(['resume', 'pause', 'resume'])
  })

  it('leaves no timer behind', async () => {
    const { buffer } = open()
    const reading = buffer.read(1000)
    buffer.push(Buffer.from('a'))
    buffer.end()
    await reading
    expect(vi.getTimerCount()).toBe(0)
  })

  it('makes senders wait together, and lets them go on one after the other', async () => {
    const budget = new ByteBudget(MIB)
    const [a, b] = [open(budget), open(budget)]
    a.buffer.start()
    a.buffer.push(Buffer.alloc(MIB))
    expect(a.log).toEqual(['resume', 'pause'])
    const waiting = b.buffer.read()
    expect(b.log).toEqual([])
    await a.buffer.read()
    expect(b.log).toEqual([])
    const next = a.buffer.read()
    expect(b.log).toEqual(['resume'])
    a.buffer.end()
    b.buffer.end()
    expect(await next).toMatchObject({ last: true })
    expect(await waiting).toMatchObject({ last: true })
  })

  it('hands out what there is when no room is left, without waiting for more', async () => {
    const { buffer, log } = open(new ByteBudget(MIB))
    const reading = buffer.read()
    buffer.push(Buffer.alloc(MIB / 2))
    buffer.push(Buffer.alloc(MIB / 2))
    expect(await reading).toMatchObject({ byteLength: MIB, last: false })
    expect(log).toEqual(['resume', 'pause'])
    const next = buffer.read()
    expect(log).toEqual(['resume', 'pause', 'resume'])
    buffer.end()
    expect(await next).toMatchObject({ byteLength: 0, last: true })
  })

  it('gives back what it held when it is closed', () => {
    const budget = new ByteBudget(MIB)
    const { buffer } = open(budget)
    buffer.push(Buffer.alloc(MIB))
    expect(budget.exhausted).toBe(true)
    buffer.close()
    expect(budget.exhausted).toBe(false)
    buffer.push(Buffer.alloc(MIB))
    expect(budget.exhausted).toBe(false)
  })
})

describe('the memory of a batch', () => {
  it('is given back once the next one is asked for, where nobody else uses it', async () => {
    const pieces: Uint8Array[] = [Buffer.alloc(2 * MIB), Buffer.alloc(2 * MIB)]
    const released: number[][] = []
    const release = (those: readonly Uint8Array[]): void =>
      void released.push(those.map((piece) => pieces.indexOf(piece)))
    const source = { resume() {}, pause() {}, release }
    const buffer = new BodyBuffer(source, new ByteBudget(100 * MIB))
    for (const piece of pieces) buffer.push(piece)
    await buffer.read()
    expect(released).toEqual([])
    buffer.end()
    await buffer.read()
    expect(released).toEqual([[0, 1]])
    buffer.close()
    expect(released).toHaveLength(1)
  })

  it.each([
    ['a buffer of its own', new Uint8Array(16_384), true],
    ['a part of a buffer', new Uint8Array(32_768).subarray(1), false],
    ['too little', new Uint8Array(16_383), false],
  ])('is released: %s', (_, piece, expected) => {
    releaseMemory([piece])
    expect(piece.byteLength === 0).toBe(expected)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Exchange } from '../../src/http/exchange.ts'
import { createInformer } from '../../src/http/informer.ts'
import { rufhVersionOf } from '../../src/protocol/rufh-versions.ts'
import type { StoredUpload } from '../../src/store/upload.ts'

const SERVER = {
  maxSize: 7,
  maxChunkSize: null,
  minima: { size: 0, chunkSize: 0 },
  maxMetadataSize: 4096,
  lifetimeMs: null,
  now: () => 0,
}
const UPLOAD = { uploadId: 'u', length: null, expiresAt: null, notes: {} } as StoredUpload
const locate = (id: string): string => `http://x/${id}`

function setUp(interop: string, informational = true) {
  const told: Readonly<Record<string, string>>[] = []
  const exchange = { inform: (_status, headers) => void told.push(headers) } as Exchange
  const version = rufhVersionOf(interop)
  return { told, informer: createInformer(exchange, { version, server: SERVER, informational }) }
}

describe('createInformer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('tells the place first, then how far it is, once a second and four times in all', () => {
    const { told, informer } = setUp('8')
    const { announcement, onOffset } = informer.creating(locate)
    expect(announcement?.heard).toBe(true)
    announcement?.make(UPLOAD)
    for (let at = 1; at <= 10_000; at++) {
      vi.advanceTimersByTime(1)
      onOffset?.(at)
    }
    const version = { 'Upload-Draft-Interop-Version': '8' }
    expect(told).toEqual([
      { ...version, Location: 'http://x/u', 'Upload-Limit': 'max-size=7' },
      { ...version, 'Upload-Offset': '1000' },
      { ...version, 'Upload-Offset': '2000' },
      { ...version, 'Upload-Offset': '3000' },
    ])
  })

  it.each(['3', '4'])('tells no more than the place in interop %s', (interop) => {
    const { informer } = setUp(interop)
    expect(informer.creating(locate)).toEqual({ announcement: expect.any(Object) })
    expect(informer.appending()).toEqual({})
  })

  it.each([
    ['', true],
    ['9', true],
    ['8', false],
  ])('tells nothing to version "%s" (%s), but knows the place', (interop, informational) => {
    const { told, informer } = setUp(interop, informational)
    const { announcement } = informer.creating(locate)
    announcement?.make(UPLOAD)
    expect(announcement?.heard).toBe(false)
    expect(told).toEqual([])
    expect(informer.appending()).toEqual({})
  })
})

import { describe, expect, it } from 'vitest'
import { formatHttp1Head } from '../../src/adapters/http1-answer.ts'
import type { Fields } from '../../src/http/exchange.ts'

const HOW = { last: false, keepAliveMs: 5000 }
const BASE = { 'Tus-Resumable': '1.0.0', Vary: 'Origin' }

function fieldsOf(headers: readonly Fields[]): string[] {
  const [, ...lines] = formatHttp1Head({ status: 204, headers }, HOW).split('\r\n')
  return lines.filter((line) => line !== '' && !/^(Date|Connection|Keep-Alive):/.test(line))
}

describe.each([
  ['fields that may change', (fields: Fields) => ({ ...fields })],
  ['constant fields', (fields: Fields) => Object.freeze({ ...fields })],
])('the head of an answer with %s', (_name, made) => {
  const base = made(BASE)
  const all = ['Tus-Resumable: 1.0.0', 'Vary: Origin', 'Upload-Offset: 3']

  it('has all of them, the second time as the first', () => {
    for (let i = 0; i < 3; i++) expect(fieldsOf([base, { 'Upload-Offset': '3' }])).toEqual(all)
  })

  it('has of one name the last, however it is written, and whatever came before', () => {
    const replaced = ['Tus-Resumable: 1.0.0', 'vary: *']
    for (let i = 0; i < 2; i++) {
      expect(fieldsOf([base, { vary: '*' }])).toEqual(replaced)
      expect(fieldsOf([base, { 'Upload-Offset': '3' }])).toEqual(all)
    }
  })

  it.each([
    { 'X-A': 'b\r\nInjected: 1' },
    { 'X-A': 'b\nc' },
    { 'X-A': 'Ā' },
    { 'X\r\nInjected': '1' },
  ])('refuses what would end before its end: %j', (fields) => {
    const bad = made(fields as unknown as Fields)
    for (let i = 0; i < 2; i++) expect(() => fieldsOf([base, bad])).toThrow(TypeError)
  })
})

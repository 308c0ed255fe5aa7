import { describe, expect, it } from 'vitest'
import { parseUploadConcat } from '../../src/protocol/upload-concat.ts'

describe('parseUploadConcat', () => {
  it('reads what a part sends', () => {
    expect(parseUploadConcat('partial')).toEqual({ type: 'partial' })
  })

  it.each([
    ['final;/a', ['/a']],
    ['final;/a /b /a', ['/a', '/b', '/a']],
    ['final; /a  /b ', ['/a', '/b']],
    ['final;http://h/a;b', ['http://h/a;b']],
  ])('reads %j', (field, urls) => {
    expect(parseUploadConcat(field)).toEqual({ type: 'final', urls })
  })

  it.each(['', 'final', 'final;', 'final;  ', 'Partial', 'partial ', ' partial', 'finale;/a'])(
    'refuses %j',
    (field) => expect(parseUploadConcat(field)).toBeUndefined(),
  )
})

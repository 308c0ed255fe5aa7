import { describe, expect, it } from 'vitest'
import { Concurrency } from '../../src/upload/concurrency.ts'

const TOO_MANY = expect.objectContaining({ code: 'ERR_TOO_MANY_REQUESTS' })

function limited(total: number | null, perOwner: number | null = null): Concurrency {
  return new Concurrency({
    maxConcurrentRequests: total,
    maxConcurrentRequestsPerOwner: perOwner,
  })
}

describe('Concurrency', () => {
  it('lets in as many as may, and the next when one has left', () => {
    const bodies = limited(2)
    const leave = bodies.enter('a', 'me')
    bodies.enter('b', 'you')
    expect(() => bodies.enter('c', 'me')).toThrow(TOO_MANY)
    leave()
    bodies.enter('c', 'me')
    expect(() => bodies.enter('d', 'me')).toThrow(TOO_MANY)
  })

  it('counts each owner alone', () => {
    const bodies = limited(null, 1)
    const leave = bodies.enter('a', 'me')
    bodies.enter('b', 'you')
    expect(() => bodies.enter('c', 'me')).toThrow(TOO_MANY)
    expect(() => bodies.enter('c', 'you')).toThrow(TOO_MANY)
    leave()
    bodies.enter('c', 'me')
  })

  it('counts an upload once that is taken over', () => {
    const bodies = limited(1, 1)
    const leaveFirst = bodies.enter('a', 'me')
    const leaveSecond = bodies.enter('a', 'me')
    leaveFirst()
    expect(() => bodies.enter('b', 'me')).toThrow(TOO_MANY)
    leaveSecond()
    bodies.enter('b', 'me')
  })

  it('has no limit where none is given', () => {
    const bodies = limited(null)
    for (let i = 0; i < 1000; i++) bodies.enter(`${i}`, 'me')
  })
})

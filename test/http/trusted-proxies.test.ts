import { describe, expect, it } from 'vitest'
import { createProxyTrust } from '../../src/http/trusted-proxies.ts'

describe('createProxyTrust', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['127.0.0.1', '::FFFF:127.0.0.1', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['127.0.0.1', '127.0.0.2', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '::1', true],
    ['127.0.0.1', undefined, false],
    ['127.0.0.1', '', false],
    ['127.0.0.1', 'unix:', false],
  ])('%s and %s: %s', (entry, peer, trusted) => {
    expect(createProxyTrust([entry])(peer)).toBe(trusted)
  })

  it('trusts nobody by default', () => {
    expect(createProxyTrust([])('127.0.0.1')).toBe(false)
  })

  it.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    '10.0.0/8',
    '*',
    '10.0.0.0/x',
    '::ffff:10.0.0.0/8',
  ])('refuses the entry %j by name', (entry) => {
    expect(() => createProxyTrust(['127.0.0.1', entry])).toThrow(TypeError)
    expect(() => createProxyTrust([entry])).toThrow(`got ${entry}`)
  })
})

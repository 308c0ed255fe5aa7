/** What a server believes of the fields that proxies add. @module */
import type { ConformanceCase } from './conformance-case.ts'

const TRUSTING = { trustedProxies: ['127.0.0.0/8', '::1'] }

function create(fields: Record<string, string>): ConformanceCase['request'] {
  return { method: 'POST', fields: { 'Upload-Length': '10', ...fields } }
}

/** The rows; the peer of every request is 127.0.0.1. */
export const FORWARDED_CASES: readonly ConformanceCase[] = [
  {
    id: 'forwarded-stranger',
    why: 'a stranger does not choose the scheme',
    request: create({ 'X-Forwarded-Proto': 'https' }),
    status: 201,
    fields: { Location: /^http:\/\/{authority}\// },
  },
  {
    id: 'forwarded-other-proxy',
    why: 'one who is not on the list is a stranger',
    server: { trustedProxies: ['10.0.0.0/8', '2001:db8::/32'] },
    request: create({ 'X-Forwarded-Proto': 'https' }),
    status: 201,
    fields: { Location: /^http:\/\/{authority}\// },
  },
  {
    id: 'forwarded-trusted',
    why: 'a trusted proxy tells the scheme',
    server: TRUSTING,
    request: create({ 'X-Forwarded-Proto': 'https' }),
    status: 201,
    fields: { Location: /^https:\/\/{authority}\// },
  },
  {
    id: 'forwarded-trusted-nonsense',
    why: 'the scheme is http or https, whoever says otherwise',
    server: TRUSTING,
    request: create({ 'X-Forwarded-Proto': 'javascript' }),
    status: 201,
    fields: { Location: /^http:\/\/{authority}\// },
  },
  ...[undefined, TRUSTING].map(
    (server): ConformanceCase => ({
      id: server ? 'forwarded-host-trusted' : 'forwarded-host-stranger',
      why: 'the host is never forwarded, nor the address',
      ...(server && { server }),
      request: create({
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-For': '127.0.0.1',
        Forwarded: 'for=127.0.0.1;host=evil.example;proto=https',
      }),
      status: 201,
      fields: { Location: /^http:\/\/{authority}\// },
    }),
  ),
  {
    id: 'forwarded-for-claims-trust',
    why: 'a stranger does not become trusted by a forwarded address',
    server: { trustedProxies: ['10.0.0.1'] },
    request: create({ 'X-Forwarded-For': '10.0.0.1', 'X-Forwarded-Proto': 'https' }),
    status: 201,
    fields: { Location: /^http:\/\/{authority}\// },
  },
  {
    id: 'public-url',
    why: 'a configured URL is where uploads are, whatever the request says',
    server: { publicUrl: 'https://up.example/some/files/', ...TRUSTING },
    request: create({ 'X-Forwarded-Proto': 'http' }),
    status: 201,
    fields: { Location: /^https:\/\/up\.example\/some\/files\/{uuid}$/ },
  },
]

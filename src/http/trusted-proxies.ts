/** Whose `X-Forwarded-Proto` is believed. @module */
import { BlockList, isIP } from 'node:net'

/** @throws `TypeError` naming an entry that is neither an IP address nor a CIDR range */
export function createProxyTrust(
  entries: readonly string[],
): (remoteAddress: string | undefined) => boolean {
  if (entries.length === 0) return () => false
  const list = new BlockList()
  for (const entry of entries) add(list, entry)
  return (remoteAddress) => {
    const address = normalize(remoteAddress ?? '')
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}

function add(list: BlockList, entry: string): void {
  const [given = '', bits, ...rest] = String(entry).split('/')
  const address = normalize(given)
  const version = isIP(address)
  const mapped = version === 4 && given.includes(':')
  const most = version === 4 ? 32 : 128
  const prefix = bits === undefined ? most : Number(bits) - (mapped ? 96 : 0)
  const valid = bits === undefined || /^\d{1,3}$/.test(bits)
  if (version === 0 || rest.length > 0 || !valid || prefix < 0 || prefix > most) {
    throw new TypeError(`trustedProxies must hold IP addresses and CIDR ranges, got ${entry}`)
  }
  list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
}

/** A zone says which interface, not who; a mapped address is the IPv4 address in it. */
function normalize(address: string): string {
  const [bare = ''] = address.split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)
  return mapped?.[1] ?? bare
}

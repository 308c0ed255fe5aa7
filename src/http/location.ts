/** From a request to the URL of its upload, and back. Pure. @module */
import { isUploadId } from '../protocol/upload-id.ts'

const REG_NAME = /^[A-Za-z0-9._~!$&'()*+,;=-]{1,255}$/
const IPV6 = /^\[[0-9A-Fa-f:.]{2,45}\]$/
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i

/** What a `Location` is built from. */
export interface LocationParts {
  readonly target: string
  readonly scheme: string
  readonly authority: string | undefined
  readonly publicUrl: string | undefined
  readonly id: string
}

/** The upload's URL: absolute where an authority is known, else its path. */
export function uploadLocation(parts: LocationParts): string {
  const { target, scheme, authority, publicUrl, id } = parts
  if (publicUrl !== undefined) return `${withoutSlashes(publicUrl)}/${id}`
  const path = `${withoutSlashes(pathOf(target))}/${id}`
  return authority === undefined ? path : `${scheme}://${authority}${path}`
}

/** The id that the last segment of the path names, in lower case. */
export function uploadIdFrom(target: string): string | undefined {
  const path = withoutSlashes(pathOf(target))
  const segment = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  return isUploadId(segment) ? segment : undefined
}

/**
 * The upload that a URL of a request's field names: a path, or an absolute URL of this server, under
 * whatever prefix a proxy has put it. `undefined` for one of another server.
 */
export function partIdFrom(
  url: string,
  server: { readonly authority: string | undefined; readonly publicUrl: string | undefined },
): string | undefined {
  const [, host] = /^(?:https?:)?\/\/([^/?#]*)/i.exec(url) ?? []
  if (host === undefined) return uploadIdFrom(url)
  const own = [server.authority, server.publicUrl && new URL(server.publicUrl).host]
  const known = own.some((name) => name?.toLowerCase() === host.toLowerCase())
  return known ? uploadIdFrom(url.replace(/^\/\//, 'http://')) : undefined
}

/** The scheme the client used, as far as it can be known. */
export function resolveScheme(request: {
  readonly scheme: 'http' | 'https'
  readonly forwardedProto: string | undefined
  readonly trusted: boolean
}): 'http' | 'https' {
  const { scheme, forwardedProto, trusted } = request
  if (!trusted || forwardedProto === undefined) return scheme
  const [first = ''] = forwardedProto.split(',')
  const forwarded = first.trim().toLowerCase()
  return forwarded === 'http' || forwarded === 'https' ? forwarded : scheme
}

/** `host [":" port]` of RFC 3986 without user information and percent-encoding. */
export function isAuthority(text: string): boolean {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text)
  if (!match) return false
  const [, host = '', port = '0'] = match
  return Number(port) <= 65_535 && (host.startsWith('[') ? IPV6 : REG_NAME).test(host)
}

/** What most targets are. */
const PLAIN = /^\/(?![/\\])[\x21-\x22\x24-\x3e\x40-\x7e]*$/

/** One slash in front, so that it can never be read as the name of another host. */
export function pathOf(target: string): string {
  if (PLAIN.test(target)) return target
  const [path = ''] = target.replace(ABSOLUTE_FORM, '').split(/[?#]/, 1)
  return `/${path.replace(/^[/\\]+/, '').replace(/[^\x21-\x7e]/g, encodeURIComponent)}`
}

function withoutSlashes(path: string): string {
  let end = path.length
  while (end > 0 && path[end - 1] === '/') end--
  return path.slice(0, end)
}

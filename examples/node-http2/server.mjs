// @ts-check
// node:http2 without TLS (h2c), as behind a proxy. With certificates, use createSecureServer.
import { createServer } from 'node:http2'
import {
  closed,
  endBySignal,
  isAllowed,
  port,
  startBackground,
  tus,
  UNAUTHORIZED,
} from '../uploads.mjs'

const server = createServer((req, res) => {
  if (!req.url.startsWith('/api/files')) res.writeHead(404).end()
  else if (isAllowed(req.method, req.headers.authorization)) tus.listener(req, res)
  else res.writeHead(401, UNAUTHORIZED).end()
})

/** @type {Set<import('node:http2').ServerHttp2Session>} */
const sessions = new Set()
server.on('session', (session) => {
  sessions.add(session)
  session.on('close', () => sessions.delete(session))
})

const stopBackground = startBackground()
server.listen(port, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`listening on http://127.0.0.1:${address?.port}`)
})
endBySignal(() => {
  for (const session of sessions) session.close()
  return closed(server)
}, stopBackground)

// @ts-check
// node:http alone: a prefix, a token, everything else is yours.
import { createServer } from 'node:http'
import {
  closed,
  endBySignal,
  isAllowed,
  port,
  startBackground,
  tus,
  UNAUTHORIZED,
} from '../uploads.mjs'

const server = createServer(route(tus.listener))
// Clients that ask before they send a large body get their answer first.
server.on('checkContinue', route(tus.checkContinue))
// Node would cut off every upload that takes longer than five minutes.
server.requestTimeout = 0

/** @param {import('tussi').NodeListener} listener */
function route(listener) {
  return (
    /** @type {import('node:http').IncomingMessage} */ req,
    /** @type {import('node:http').ServerResponse} */ res,
  ) => {
    if (!req.url?.startsWith('/api/files')) res.writeHead(404).end()
    else if (isAllowed(req.method, req.headers.authorization)) listener(req, res)
    else res.writeHead(401, UNAUTHORIZED).end()
  }
}

const stopBackground = startBackground()
server.listen(port, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`listening on http://127.0.0.1:${address?.port}`)
})
endBySignal(() => closed(server), stopBackground)

// @ts-check
// Hono on Node, through the Fetch API. remoteAddress is for trustedProxies; leave it out elsewhere.
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono } from 'hono'
import {
  closed,
  endBySignal,
  isAllowed,
  port,
  startBackground,
  tus,
  UNAUTHORIZED,
} from '../uploads.mjs'

const app = new Hono()

app.use('/api/files/*', async (c, next) => {
  if (isAllowed(c.req.method, c.req.header('authorization'))) return next()
  return c.body(null, 401, UNAUTHORIZED)
})
app.all('/api/files/*', (c) =>
  tus.fetch(c.req.raw, { remoteAddress: getConnInfo(c).remote.address }),
)

const stopBackground = startBackground()
const server = serve(
  { fetch: app.fetch, port, hostname: '127.0.0.1', serverOptions: { requestTimeout: 0 } },
  (info) => console.log(`listening on http://127.0.0.1:${info.port}`),
)
endBySignal(() => closed(server), stopBackground)

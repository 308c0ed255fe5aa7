// @ts-check
// Express 5: mount the listener before any body parser, or keep parsers away from its path.
import express from 'express'
import {
  closed,
  endBySignal,
  isAllowed,
  port,
  startBackground,
  tus,
  UNAUTHORIZED,
} from '../uploads.mjs'

const app = express()

app.use('/api/files', (req, res, next) => {
  if (isAllowed(req.method, req.headers.authorization)) next()
  else res.status(401).set(UNAUTHORIZED).end()
})
// Express shortens req.url below a mount; tussi reads originalUrl, so Location is right.
app.use('/api/files', (req, res) => tus.listener(req, res))

// Parsers come after.
app.use(express.json())

const stopBackground = startBackground()
const server = app.listen(port, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`listening on http://127.0.0.1:${address?.port}`)
})
server.requestTimeout = 0
endBySignal(() => closed(server), stopBackground)

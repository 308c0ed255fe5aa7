/** A web site of one page, on an origin of its own. @module */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rolldown } from 'rolldown'

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Upload</title>
<style>
  body { font: 18px/1.5 sans-serif; margin: 3rem auto; max-width: 32rem }
  input, progress, output { display: block; margin: 1rem 0; width: 100% }
</style>
<h1>Upload</h1>
<label>File <input type="file"></label>
<progress value="0"></progress>
<output>nothing sent yet</output>
<script src="/page.js"></script>
</html>
`

export interface WebSite {
  readonly origin: string
  close(): Promise<void>
}

/** Bundles the page and serves it. */
export async function serveWebSite(): Promise<WebSite> {
  const input = new URL('page.ts', import.meta.url).pathname
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'iife' })
  await bundle.close()
  const script = output[0].code
  const server = createServer((req, res) => {
    const isScript = req.url === '/page.js'
    res.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    res.end(isScript ? script : HTML)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Starts the Python original under uvicorn, from the interpreter in `TUSSI_PYTHON`. @module */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Running, ServerOptions } from '../conformance/exchange.ts'
import { sendOverHttp } from '../conformance/transports.ts'

const SERVER = `
import json, sys
import uvicorn
from tussi import FilesystemStorage, TUSApp

port, directory, options = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
app = TUSApp(
    storage=FilesystemStorage(f'{directory}/uploads'),
    completed_dir=f'{directory}/completed',
    max_size=options.get('maxSize'),
    max_chunk_size=options.get('maxChunkSize', 10 * 1024 * 1024),
    max_metadata_size=options.get('maxMetadataSize', 4096),
    trusted_proxies=options.get('trustedProxies'),
)
uvicorn.run(app, host='127.0.0.1', port=port, log_level='warning', proxy_headers=False, lifespan='off')
`

/** Starts the server in an empty directory; it ends with `close`. */
export async function startPythonServer(options: ServerOptions): Promise<Running> {
  const python = process.env.TUSSI_PYTHON
  if (!python) throw new Error('TUSSI_PYTHON must name a Python with tussi==3.1.0 and uvicorn')
  const directory = await mkdtemp(join(tmpdir(), 'tussi-python-'))
  await mkdir(join(directory, 'completed'))
  const port = await freePort()
  const argv = ['-c', SERVER, `${port}`, directory, JSON.stringify(options)]
  const child = spawn(python, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  const send = sendOverHttp(port)
  await untilReady(child, () => send({ method: 'OPTIONS', path: '/', fields: {} }))
  return {
    send,
    authority: `127.0.0.1:${port}`,
    async close() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilReady(child: ChildProcess, probe: () => Promise<unknown>): Promise<void> {
  let complaints = ''
  child.stderr?.on('data', (chunk) => {
    complaints += chunk
  })
  const deadline = Date.now() + 30_000
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the Python server ended: ${complaints}`)
    const ready = await probe().then(
      () => true,
      () => false,
    )
    if (ready) return
    if (Date.now() > deadline) {
      child.kill()
      throw new Error(`the Python server did not start: ${complaints}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

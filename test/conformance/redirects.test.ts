/**
 * draft-ietf-httpbis-resumable-upload, 4.3.2, 4.4.2 and 4.5.2: a client might follow a redirect by another method, and
 * nothing of ours is elsewhere. None is sent, also where servers like to: at a slash too many or too few, and for
 * what is complete.
 *
 * @module
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Send } from './exchange.ts'
import { appendAt, arrangeRufh } from './rufh-upload.ts'
import { STORAGES, TRANSPORTS } from './servers.ts'

const METHODS = ['OPTIONS', 'POST', 'PUT', 'HEAD', 'GET', 'PATCH', 'DELETE']
const STATES = {
  unfinished: { length: 10, sent: 'hello' },
  complete: { length: 5, sent: 'hello', complete: true },
  terminated: { length: 10, sent: 'hello', terminated: true },
} as const

for (const [name, over] of Object.entries(TRANSPORTS)) {
  describe(`redirects: ${name}`, () => {
    const open = (): Promise<Send> => start(over)

    it.each(Object.entries(STATES))(
      'are not sent for an upload that is %s (rufh-32)',
      async (_, upload) => {
        const send = await open()
        const found: string[] = []
        for (const method of METHODS) {
          for (const end of ['', '/', '?x=1']) {
            const path = await arrangeRufh(send, upload)
            found.push(...(await redirectOf(send, method, `${path}${end}`)))
          }
        }
        expect(found).toEqual([])
      },
    )

    it.each(['/', '/files', '/files/', '/files//', '/files/unknown'])(
      'are not sent at %s (rufh-32)',
      async (path) => {
        const send = await open()
        const found = await Promise.all(METHODS.map((method) => redirectOf(send, method, path)))
        expect(found.flat()).toEqual([])
      },
    )
  })
}

async function start(over: (typeof TRANSPORTS)[string]): Promise<Send> {
  const open = STORAGES.MemoryStorage
  if (!open) throw new Error('there is no storage in memory')
  const server = await over(open)({})
  onTestFinished(() => server.close())
  return server.send
}

/** What to complain about: a status of 3xx, or a place that is not the one of an upload that was made. */
async function redirectOf(send: Send, method: string, path: string): Promise<string[]> {
  const body = ['POST', 'PUT', 'PATCH'].includes(method) && { body: Buffer.from('world') }
  const fields = { ...appendAt(5, '?1'), 'Upload-Draft-Interop-Version': '8' }
  const response = await send({ method, path, fields, ...body })
  const elsewhere = response.fields.location !== undefined && response.status !== 201
  const redirects = response.status >= 300 && response.status < 400
  return redirects || elsewhere ? [`${method} ${path}: ${response.status}`] : []
}

/** What a body parser in front does, and what the operator is told. @module */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createUpload, offsetOf, patch, serve, temporaryDirectory } from '../serve.ts'

describe('a body parser in front', () => {
  it('is named as the cause, and nothing is lost', async () => {
    const { tus } = await serve(await temporaryDirectory(), { logger: silent() })
    const app = express()
    app.use(express.raw({ type: '*/*', limit: '1mb' }))
    app.use('/files', (req, res) => tus.listener(req, res))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const location = await createUpload(`http://127.0.0.1:${port}/files/`, 5)
    const response = await patch(location, 0, Buffer.from('hello'))
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({
      code: 'ERR_BODY_CONSUMED',
      detail: expect.stringContaining('body parser'),
    })
    expect(await offsetOf(location)).toBe(0)
  })
})

function silent() {
  return { info() {}, warn() {}, error() {} }
}

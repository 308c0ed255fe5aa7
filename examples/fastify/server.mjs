// @ts-check
// Fastify 5: in a scope of its own, with a content type parser that leaves the body alone.
import Fastify from 'fastify'
import { endBySignal, isAllowed, port, startBackground, tus, UNAUTHORIZED } from '../uploads.mjs'

const app = Fastify({ requestTimeout: 0 })

app.register(async (scope) => {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  scope.addHook('onRequest', async (request, reply) => {
    if (isAllowed(request.method, request.headers.authorization)) return
    await reply.code(401).headers(UNAUTHORIZED).send()
  })
  scope.route({
    method: ['OPTIONS', 'POST', 'PUT', 'HEAD', 'GET', 'PATCH', 'DELETE'],
    url: '/api/files/*',
    // hijack: the answer is ours from here on.
    handler: async (request, reply) => {
      reply.hijack()
      await tus.listener(request.raw, reply.raw)
    },
  })
})

const stopBackground = startBackground()
await app.listen({ port, host: '127.0.0.1' })
console.log(`listening on ${app.listeningOrigin}`)
endBySignal(() => app.close(), stopBackground)

/**
 * A connection of HTTP/1.1, one request after the other. Of a request that is in the common form the
 * head is read here, without the objects that `node:http` makes for each; with any other one the
 * connection, as it came, goes to the parser of `node:http` and stays there.
 *
 * @module
 */
import type { Socket } from 'node:net'
import type { Reply } from '../http/exchange.ts'
import { type Http1Request, parseHttp1Request } from '../protocol/http1-request.ts'
import { connectionReset } from './connection-reset.ts'
import { formatHttp1Head } from './http1-answer.ts'
import { Http1Content } from './http1-content.ts'
import { Http1Exchange } from './http1-exchange.ts'
import type { AttachedAnswer, Http1Service } from './http1-service.ts'
import { areFields, formatInformational, type Inform } from './node-inform.ts'

const END_OF_HEAD = '\r\n\r\n'
/** As with `node:http`: the client's clock may be late. */
const KEEP_ALIVE_GRACE_MS = 1000
/** So long a client may take to make room for its last answer. */
const LINGER_MS = 2000

export class Http1Connection {
  readonly #socket: Socket
  readonly #service: Http1Service
  readonly #remoteAddress: string | undefined
  /** Of the request that has no answer yet. */
  #content: Http1Content | undefined
  /** What came before that answer was out. */
  #early: Buffer | undefined
  #hasEnded = false
  /** Set when the last answer is on its way. */
  #linger: NodeJS.Timeout | undefined
  #isFresh = true

  constructor(socket: Socket, service: Http1Service) {
    this.#socket = socket
    this.#service = service
    this.#remoteAddress = socket.remoteAddress
    socket.on('data', this.#onData).on('end', this.#onEnd)
    socket.on('close', this.#onClose).on('error', this.#onError)
    socket.on('timeout', this.#onTimeout).setTimeout(service.headersTimeoutMs)
  }

  /** Ends it, if it waits for a request; whatever it says has been said before. */
  closeIdle(): void {
    if (this.#content) return
    if (this.#socket.writableLength > 0) this.#end()
    else this.#socket.destroy()
  }

  /** Ends it, whatever it does. */
  close(): void {
    this.#socket.destroy()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#content) {
      this.#begin(chunk)
      return
    }
    const rest = this.#content.push(chunk)
    if (rest) this.#keep(rest)
  }

  /** What is pipelined waits for its turn (RFC 9112, 9.3.2), and there is little of it. */
  #keep(rest: Buffer): void {
    this.#early = this.#early ? Buffer.concat([this.#early, rest]) : rest
    this.#socket.pause()
  }

  #begin(chunk: Buffer): void {
    const end = chunk.indexOf(END_OF_HEAD)
    const isHead = end > 0 && end + END_OF_HEAD.length <= this.#service.maxHeadBytes
    const request = isHead ? parseHttp1Request(chunk.toString('latin1', 0, end + 2)) : undefined
    if (!request || !this.#service.serves(request.target)) {
      this.#handOver(chunk)
      return
    }
    const { bodies } = this.#service
    const content = new Http1Content(this.#socket, request.contentLength, bodies)
    this.#content = content
    const rest = content.push(chunk.subarray(end + END_OF_HEAD.length))
    if (rest) this.#keep(rest)
    void this.#answer(request, content).catch((error) => {
      this.#service.logger.error('an answer could not be sent', { error })
      this.#socket.destroy()
    })
  }

  async #answer(request: Http1Request, content: Http1Content): Promise<void> {
    const { handle, onAnswer } = this.#service
    const start = onAnswer ? performance.now() : 0
    const origin = { remoteAddress: this.#remoteAddress, inform: this.#inform }
    const reply = await handle(new Http1Exchange(request, content, origin))
    content.discard()
    const socket = this.#socket
    const sent = !socket.destroyed && !reply.cut
    const isComplete = content.bytesLeft === 0
    const last = this.#isLast(request, reply, isComplete)
    if (sent) this.#send(request, reply, last)
    if (onAnswer) {
      const { method, target, contentLength } = request
      const bytes = contentLength - content.bytesLeft
      this.#tell({
        method,
        target,
        status: reply.status,
        sent,
        bytes,
        ms: performance.now() - start,
      })
    }
    if (sent && !isComplete) await content.drain()
    if (!sent || socket.destroyed) socket.destroy()
    else if (last) this.#end()
    else this.#next()
  }

  #tell(answer: AttachedAnswer): void {
    const { onAnswer, logger } = this.#service
    try {
      onAnswer?.(answer)
    } catch (error) {
      logger.error('onAnswer failed', { error })
    }
  }

  #isLast(request: Http1Request, reply: Reply, isComplete: boolean): boolean {
    const { isClosing } = this.#service
    const hasEnded = this.#hasEnded && !this.#early
    return request.close || reply.close === true || !isComplete || hasEnded || isClosing
  }

  /** An answer to HEAD has the length of the body that it leaves out. */
  #send({ method }: Http1Request, reply: Reply, last: boolean): void {
    const socket = this.#socket
    const { keepAliveMs } = this.#service
    const head = formatHttp1Head(reply, { last, keepAliveMs })
    if (reply.body === undefined || method === 'HEAD') {
      socket.write(head, 'latin1')
      return
    }
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(reply.body)
    socket.uncork()
  }

  /** Once the answer is out, and soon, whatever the client does. */
  #end(): void {
    const socket = this.#socket
    socket.pause().destroySoon()
    this.#linger ??= setTimeout(() => socket.destroy(), LINGER_MS)
  }

  /** Who does not read answers gets no further ones. */
  #next(): void {
    const socket = this.#socket
    this.#content = undefined
    if (socket.writableNeedDrain) {
      socket.pause()
      socket.once('drain', () => this.#await())
    } else this.#await()
  }

  #await(): void {
    const socket = this.#socket
    if (this.#isFresh) {
      this.#isFresh = false
      const { keepAliveMs } = this.#service
      socket.setTimeout(keepAliveMs > 0 ? keepAliveMs + KEEP_ALIVE_GRACE_MS : 0)
    }
    const early = this.#early
    this.#early = undefined
    if (socket.destroyed) return
    socket.resume()
    if (early) this.#begin(early)
    else if (this.#hasEnded) this.#end()
  }

  readonly #inform: Inform = (status, headers) => {
    if (this.#socket.writable && areFields(headers)) {
      this.#socket.write(formatInformational(status, headers), 'latin1')
    }
  }

  /** Put back and read again: the parser sees every byte of the connection that nobody has answered. */
  #handOver(chunk: Buffer): void {
    const socket = this.#socket
    // Nobody can read what is put back behind the end.
    if (this.#hasEnded) {
      this.#end()
      return
    }
    socket.off('data', this.#onData).off('end', this.#onEnd)
    socket.off('close', this.#onClose).off('error', this.#onError)
    socket.off('timeout', this.#onTimeout).setTimeout(0)
    this.#service.forget(this)
    socket.pause()
    socket.unshift(chunk)
    this.#service.handOver(socket)
    socket.resume()
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true
    if (this.#content) this.#content.fail(connectionReset())
    else this.#end()
  }

  readonly #onClose = (): void => {
    clearTimeout(this.#linger)
    this.#service.forget(this)
    this.#content?.fail(connectionReset())
  }

  /** `close` follows. */
  readonly #onError = (): void => undefined

  readonly #onTimeout = (): void => {
    this.closeIdle()
  }
}

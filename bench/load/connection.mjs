/**
 * A client's side of HTTP/1.1 that costs as little as possible: one request at a time on a socket
 * that stays open, and of an answer only the status, the place and the end.
 *
 * @module
 */
import { once } from 'node:events'
import { connect } from 'node:net'

/** @typedef {{ status: number, location: string | undefined, extensions: string | undefined }} Answer */

const END = Buffer.from('\r\n\r\n')
/** A body goes out in pieces of this many bytes, the same ones over and over. */
const PIECE = Buffer.alloc(1024 * 1024, 'tussi ')

export class Connection {
  /** @type {number} */
  #port
  /** @type {import('node:net').Socket} */
  #socket
  /** The server ends the connection with its last answer. */
  #ends = false
  /** @type {Buffer} */
  #received = Buffer.alloc(0)
  #head = false
  /** @type {((answer: Answer) => void) | undefined} */
  #resolve
  /** @type {((reason: Error) => void) | undefined} */
  #reject

  /** @param {number} port */
  constructor(port) {
    this.#port = port
    this.#socket = this.#connect()
  }

  /** @param {number} port */
  static async open(port) {
    const connection = new Connection(port)
    await once(connection.#socket, 'connect')
    return connection
  }

  #connect() {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    const lose = (/** @type {Error} */ reason) => {
      if (socket === this.#socket) this.#reject?.(reason)
    }
    socket.on('data', (data) => this.#receive(data))
    socket.on('error', lose)
    socket.on('close', () => lose(new Error('the server closed the connection')))
    return socket
  }

  /**
   * @param {string} head the lines of the request, each with its end, without the empty one
   * @param {number} [bytes] of the body
   * @returns {Promise<Answer>}
   */
  async request(head, bytes = 0) {
    if (this.#ends) {
      this.#socket.destroy()
      this.#socket = this.#connect()
      this.#ends = false
      await once(this.#socket, 'connect')
    }
    const answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever waits for the answer hears of a failure; until then it is nobody's.
    answer.catch(() => undefined)
    this.#head = head.startsWith('HEAD')
    await this.send(head, bytes)
    return answer
  }

  /**
   * @param {string} head
   * @param {number} bytes
   */
  async send(head, bytes) {
    const socket = this.#socket
    socket.cork()
    socket.write(`${head}\r\n`, 'latin1')
    let left = bytes
    let room = true
    for (let first = true; left > 0; first = false) {
      if (!first && !room) await once(socket, 'drain')
      room = socket.write(left < PIECE.length ? PIECE.subarray(0, left) : PIECE)
      left -= Math.min(left, PIECE.length)
      if (first) socket.uncork()
    }
    if (bytes === 0) socket.uncork()
  }

  close() {
    this.#reject = undefined
    // A port that waits for stragglers is not free for the next connection.
    this.#socket.resetAndDestroy()
  }

  /** @param {Buffer} data */
  #receive(data) {
    const received = this.#received.length > 0 ? Buffer.concat([this.#received, data]) : data
    this.#received = received
    const end = received.indexOf(END)
    if (end < 0) return
    const head = received.toString('latin1', 0, end + 2)
    const status = Number(head.slice(9, 12))
    const rest = end + END.length
    if (status < 200) {
      this.#received = Buffer.alloc(0)
      if (received.length > rest) this.#receive(received.subarray(rest))
      return
    }
    if (!this.#head && status !== 204 && !isWhole(head, received, rest)) return
    this.#received = Buffer.alloc(0)
    this.#reject = undefined
    this.#ends = /\r\nconnection: *close/i.test(head)
    const location = status === 201 ? /\r\nlocation: *([^\r]+)/i.exec(head)?.[1] : undefined
    const extensions = /\r\ntus-extension: *([^\r]+)/i.exec(head)?.[1]
    this.#resolve?.({ status, location, extensions })
  }
}

/**
 * @param {string} head
 * @param {Buffer} received
 * @param {number} start of the body
 */
function isWhole(head, received, start) {
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    return (
      received.length > start && received.toString('latin1', received.length - 5) === '0\r\n\r\n'
    )
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  return received.length >= start + length
}

/** Bytes on a TCP connection, for what no HTTP client sends. @module */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestResponse } from './exchange.ts'

/** A connection to a server; what comes back is read as HTTP/1 responses. */
export class RawConnection {
  readonly #socket: Socket
  #received = ''
  #ended = false

  /** Connects to `port` of this machine. */
  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text) => {
      this.#received += text
    })
    this.#socket.on('close', () => {
      this.#ended = true
    })
    this.#socket.on('error', () => {})
  }

  /** True once the server has ended the connection. */
  get ended(): boolean {
    return this.#ended
  }

  /** Sends lines, joined by CRLF, as Latin-1; resolves once the kernel has them. */
  send(...lines: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(lines.join('\r\n'), 'latin1', () => resolve())
    })
  }

  /** Cuts the connection. */
  async cut(): Promise<void> {
    if (this.#ended) return
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
  }

  /** The responses received so far, interim ones included, in order. */
  responses(): TestResponse[] {
    const responses: TestResponse[] = []
    for (let rest = this.#received; rest !== ''; ) {
      const end = rest.indexOf('\r\n\r\n')
      if (end === -1) break
      const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
      const fields = Object.fromEntries(lines.map(parseLine))
      const start = end + 4
      const length = Number(fields['content-length'] ?? 0)
      const status = Number(statusLine.split(' ')[1])
      responses.push({ status, fields, body: rest.slice(start, start + length) })
      rest = rest.slice(start + length)
    }
    return responses
  }

  /** Waits until there are `count` responses, or the connection has ended. */
  async receive(count = 1): Promise<TestResponse[]> {
    const deadline = Date.now() + 4_000
    while (this.responses().length < count && !this.#ended) {
      if (Date.now() > deadline) throw new Error(`only ${JSON.stringify(this.#received)} came`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return this.responses()
  }
}

/** Sends one request on a connection of its own and resolves with its final response. */
export async function sendRaw(port: number, ...lines: readonly string[]): Promise<TestResponse> {
  const connection = new RawConnection(port)
  try {
    await connection.send(...lines)
    const [response] = await connection.receive()
    if (!response) throw new Error('the connection ended without a response')
    return response
  } finally {
    await connection.cut()
  }
}

function parseLine(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

/**
 * A bad network between clients and a server. Each connection draws its lot from a seed: which fault
 * it meets, in which direction, and after how many bytes.
 *
 * @module
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { seeded } from './seeded.ts'

/** What can happen to a connection. */
export const FAULTS = ['cut', 'stall', 'late', 'trickle', 'delay', 'half-open'] as const

/**
 * - `cut`: both sides end, by FIN or RST;
 * - `stall`: nothing more arrives in either direction, and nobody is told of an end, until the other
 *   side loses patience: then the client is cut off;
 * - `late`: silence, often longer than the client waits, and then all that it had sent;
 * - `trickle`: pieces of a few bytes;
 * - `delay`: every piece is late;
 * - `half-open`: as a stall, and the client learns at once that its connection is gone;
 * - `none`.
 */
export type Fault = (typeof FAULTS)[number] | 'none'

/** How bad the network is. */
export interface ProxyOptions {
  readonly port: number
  readonly seed: number
  /** A connection meets one of these. */
  readonly faults: readonly Fault[]
  /** A fault that waits for a number of bytes comes after at most so many sent by the client. */
  readonly within: number
  /** How long a client keeps waiting at a stall. */
  readonly stallMs: number
}

export interface NetworkProxy {
  /** Where clients find the server. */
  readonly url: string
  /** How many connections have met each fault. */
  readonly met: ReadonlyMap<Fault, number>
}

/** The lot of one connection. */
interface Lot {
  readonly fault: Fault
  /** Whose bytes are counted. */
  readonly direction: 'up' | 'down'
  readonly after: number
  readonly random: () => number
}

function draw(number: number, { seed, faults, within }: ProxyOptions): Lot {
  const random = seeded(seed + number * 7919)
  random()
  const fault = faults[Math.floor(random() * faults.length)] ?? 'none'
  const direction = random() < 0.7 ? 'up' : 'down'
  // As many faults among the first hundred bytes as between ten and a hundred thousand.
  const after = Math.floor((direction === 'up' ? within : 1000) ** random())
  return { fault, direction, after, random }
}

/** Starts it; it ends with the test, and all its connections with it. */
export async function startProxy(options: ProxyOptions): Promise<NetworkProxy> {
  const met = new Map<Fault, number>()
  const sockets = new Set<Socket>()
  let connections = 0
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const target = { port: options.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }
    const upstream = connect(target)
    const lot = draw(connections++, options)
    const link = new Link(keep(client), keep(upstream), lot, options.stallMs, () => {
      met.set(lot.fault, (met.get(lot.fault) ?? 0) + 1)
    })
    link.start()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/files/`, met }
}

class Link {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #lot: Lot
  readonly #stallMs: number
  readonly #onFault: () => void
  /** Nothing passes any more, not even an end. */
  #dead = false
  #carried = { up: 0, down: 0 }
  #faultMet = false

  constructor(client: Socket, upstream: Socket, lot: Lot, stallMs: number, onFault: () => void) {
    this.#client = client
    this.#upstream = upstream
    this.#lot = lot
    this.#stallMs = stallMs
    this.#onFault = onFault
  }

  start(): void {
    if (this.#lot.fault === 'trickle' || this.#lot.fault === 'delay') this.#onFault()
    this.#carry('up', this.#client, this.#upstream)
    this.#carry('down', this.#upstream, this.#client)
  }

  /** One thing after the other: pieces, and after them the end. */
  #carry(direction: 'up' | 'down', from: Socket, to: Socket): void {
    let last = Promise.resolve()
    const then = (step: () => Promise<void> | void): void => {
      last = last.then(() => (this.#dead ? undefined : step()))
    }
    from.on('data', (piece: Buffer) => then(() => this.#deliver(direction, piece, to)))
    from.on('end', () => then(() => void to.end()))
    from.on('close', (hadError: boolean) => {
      then(() => {
        if (hadError) to.resetAndDestroy()
        else to.end()
      })
    })
  }

  async #deliver(direction: 'up' | 'down', piece: Buffer, to: Socket): Promise<void> {
    const { fault, random } = this.#lot
    const left = this.#lot.after - this.#carried[direction]
    this.#carried[direction] += piece.length
    if (fault === 'trickle') return this.#trickle(piece, to)
    if (fault === 'delay') {
      await delay(random() * 25)
      await write(to, piece)
    } else if (direction === this.#lot.direction && left <= piece.length && !this.#faultMet) {
      await this.#meet(piece, Math.max(0, left), to)
    } else await write(to, piece)
  }

  /** The first bytes of a piece go one by one and few by few, for each costs its time. */
  async #trickle(piece: Buffer, to: Socket): Promise<void> {
    let at = 0
    for (let parts = 0; at < piece.length && parts < 40; parts++) {
      const end = at + 1 + Math.floor(this.#lot.random() ** 3 * 2000)
      await write(to, piece.subarray(at, end))
      await delay(1)
      at = end
    }
    if (at < piece.length) await write(to, piece.subarray(at))
  }

  async #meet(piece: Buffer, left: number, to: Socket): Promise<void> {
    const { fault, random } = this.#lot
    this.#faultMet = true
    if (fault === 'none') return write(to, piece)
    this.#onFault()
    await write(to, piece.subarray(0, left))
    if (fault === 'late') {
      await delay(random() * 2 * this.#stallMs)
      return write(to, piece.subarray(left))
    }
    this.#dead = true
    if (fault === 'cut') {
      for (const socket of [this.#client, this.#upstream]) {
        if (random() < 0.5) socket.resetAndDestroy()
        else socket.destroy()
      }
      return
    }
    // A peer that is gone does not read either.
    this.#upstream.pause()
    if (fault === 'stall') await delay(this.#stallMs)
    this.#client.resetAndDestroy()
  }
}

async function write(to: Socket, piece: Buffer): Promise<void> {
  if (piece.length === 0 || !to.writable) return
  await new Promise((resolve) => to.write(piece, resolve))
}

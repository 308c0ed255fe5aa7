/** A network between browser and server that breaks. @module */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface CuttingProxy {
  /** Where the browser finds the server. */
  readonly url: string
  /** How many connections were cut. */
  cuts(): number
}

/** Cuts the first `times` connections that have carried `bytes` to the server. */
export async function startCuttingProxy(
  port: number,
  times: number,
  bytes: number,
): Promise<CuttingProxy> {
  let cuts = 0
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    // What was carried arrives, also when the browser has heard of a reset.
    client.on('close', () => upstream.end())
    upstream.on('close', () => client.destroy())
    let carried = 0
    client.on('data', (piece) => {
      carried += piece.length
      if (carried < bytes || cuts >= times) return
      cuts += 1
      client.resetAndDestroy()
    })
    client.pipe(upstream).pipe(client)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    proxy.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port: own } = proxy.address() as AddressInfo
  return { url: `http://127.0.0.1:${own}/files/`, cuts: () => cuts }
}

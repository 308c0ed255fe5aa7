/** The ways from a runtime into the core. @module */
import type { Server } from 'node:http'
import { type AttachOptions, attach } from '../adapters/attach.ts'
import { ByteBudget } from '../adapters/byte-budget.ts'
import { DirectSockets } from '../adapters/direct-sockets.ts'
import { loadDuplicateDescriptor } from '../adapters/duplicate-descriptor.ts'
import { type FetchListener, toFetchListener } from '../adapters/fetch.ts'
import { type NodeListener, toNodeListener } from '../adapters/node.ts'
import { trimHeap } from '../adapters/trim-heap.ts'
import type { Handle } from '../http/exchange.ts'
import type { Logger } from '../logger.ts'
import type { ResolvedOptions } from '../options.ts'

export interface Entrances {
  readonly listener: NodeListener
  readonly checkContinue: NodeListener
  readonly fetch: FetchListener
  attach(server: Server, options: AttachOptions): void
}

export function openEntrances(
  handle: Handle,
  { maxBufferedBytes }: ResolvedOptions,
  logger: Logger,
): Entrances {
  const onShortTimeout = (timeoutMs: number): void =>
    logger.warn(
      `the server's requestTimeout will cut off uploads after ${timeoutMs} ms; set it to 0`,
    )
  const budget = new ByteBudget(maxBufferedBytes, trimHeap)
  const node = { budget, onShortTimeout }
  return {
    listener: toNodeListener(handle, { ...node, expectsContinue: false }),
    checkContinue: toNodeListener(handle, { ...node, expectsContinue: true }),
    fetch: toFetchListener(handle, budget),
    attach(server, options) {
      const duplicate = loadDuplicateDescriptor()
      const direct = duplicate && new DirectSockets(budget, duplicate)
      attach(server, options, { handle, bodies: { budget, direct }, logger })
    },
  }
}

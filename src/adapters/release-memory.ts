/** Gives the memory of body pieces back at once. @module */
import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** A smaller piece is not worth the call. */
const LEAST_BYTES = 16 * 1024

let nowhere: MessagePort | undefined

/**
 * Frees what only these pieces use, so that the next ones find memory that is still in the processor's
 * cache: the garbage collector would come much later. What is sent to a closed port is gone, as HTML
 * demands. The pieces are empty then. `owner` may be one of them whose buffer holds nothing else that counts.
 */
export function releaseMemory(pieces: readonly Uint8Array[], owner?: Uint8Array): void {
  const buffers: ArrayBuffer[] = []
  for (const piece of pieces) {
    const isAlone = piece === owner || piece.byteLength === piece.buffer.byteLength
    if (isAlone && piece.byteLength >= LEAST_BYTES) buffers.push(piece.buffer as ArrayBuffer)
  }
  if (buffers.length === 0) return
  nowhere ??= openNowhere()
  nowhere.postMessage(null, buffers)
}

function openNowhere(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port2.close()
  return port1
}

/** One server process: receives, saves, cleans up, and ends in order. @module */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type CompletedUpload, FilesystemStorage, Janitor, type Logger, TusApp } from '../index.ts'
import { UsageError } from './args.ts'
import { createHttpServer, serverUrl } from './http-server.ts'
import { saveUpload } from './save-upload.ts'
import type { ServerArgs } from './server-args.ts'

/** How long requests and workers may take to let go at the end. */
const CLOSE_TIMEOUT_MS = 10_000

/** A running server. */
export interface RunningServer {
  readonly url: string
  /** Records what has arrived, hands claims back and resolves when nothing runs any more. */
  close(): Promise<void>
}

export async function startServer(
  args: ServerArgs,
  { logger, janitor: withJanitor }: { readonly logger: Logger; readonly janitor: boolean },
): Promise<RunningServer> {
  const { completedDir } = args
  const storage = new FilesystemStorage({ directory: args.uploadDir, fsync: args.fsync, logger })
  const tus = createApp(args, { storage, logger })
  const server = createHttpServer(tus, args)
  await listen(server, args)
  const complete = (id: string): Promise<boolean> => tus.complete(id)
  const janitor = new Janitor({ storage, completedDir, complete, logger })
  if (withJanitor) janitor.start()
  const stop = new AbortController()
  const workers = startWorkers(tus, args, { signal: stop.signal, logger })
  return {
    url: serverUrl(server, args.host),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      stop.abort()
      await tus.close({ timeoutMs: CLOSE_TIMEOUT_MS })
      await Promise.all([workers, janitor.stop()])
      // What is left now are answers on their way and connections that nobody uses.
      const cut = setTimeout(() => server.closeAllConnections(), 1000)
      await closed
      clearTimeout(cut)
      await storage.close()
    },
  }
}

/** Flags whose values only the library can judge, by its name for them. */
const FLAGS: Readonly<Record<string, string>> = {
  minSize: '--min-size',
  minChunkSize: '--min-chunk-size',
  trustedProxies: '--trusted-proxy',
  'cors.origins': '--cors-origin',
}

/** What the flags ask of the library; its refusal of a value names the flag. */
function createApp(
  args: ServerArgs,
  { storage, logger }: { readonly storage: FilesystemStorage; readonly logger: Logger },
): TusApp {
  try {
    return new TusApp({
      storage,
      completedDir: args.completedDir,
      maxSize: args.maxSize,
      maxChunkSize: args.maxChunkSize,
      minSize: args.minSize,
      minChunkSize: args.minChunkSize,
      expiration: args.expireAfter === null ? null : { afterMs: args.expireAfter * 1000 },
      filenameCharset: 'utf-8',
      trustedProxies: args.trustedProxies,
      cors: args.corsOrigins.length > 0 ? { origins: args.corsOrigins } : {},
      informational: args.informational,
      logger,
    })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const { message } = error
    const known = Object.entries(FLAGS).find(([option]) => message.startsWith(option))
    const [option, flag] = known ?? ['', '']
    throw new UsageError(flag + message.slice(option.length))
  }
}

/** Only the disk can be at fault, so an upload is tried until it can be saved. */
async function startWorkers(
  tus: TusApp,
  { workers, destDir }: ServerArgs,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  if (workers === 0) return
  const save = async (upload: CompletedUpload): Promise<void> => {
    const path = await saveUpload(upload, destDir)
    logger.info('saved', { id: upload.name, path })
  }
  await tus.work(save, { concurrency: workers, maxAttempts: Number.MAX_SAFE_INTEGER, signal })
}

async function listen(server: Server, { host, port }: ServerArgs): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why: Record<string, string> = {
      EADDRINUSE: `port ${port} of ${host} is in use; --port 0 picks a free one`,
      EACCES: `port ${port} may not be used by this user`,
      EADDRNOTAVAIL: `${host} is not an address of this machine`,
      ENOTFOUND: `${host} is not the name of an address`,
    }
    throw new Error(why[code ?? ''] ?? `cannot listen on ${host} port ${port}: ${code}`)
  }
}

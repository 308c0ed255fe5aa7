/** Starts our server behind each way into it; the storage is chosen by the caller. @module */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FilesystemStorage, TusApp, type TusAppOptions } from 'tussi'
import { MemoryStorage } from 'tussi/memory'
import type { Running, Start } from './exchange.ts'
import { sendOverHttp, sendOverHttp2, sendToFetch } from './transports.ts'

/** An application over an empty storage. */
export interface OpenApp {
  readonly tus: TusApp
  readonly storage: TusAppOptions['storage']
  /** Where the storage, if it keeps files, and the queue have theirs. */
  readonly directory: string
  readonly completedDir: string
  close(): Promise<void>
}

/** Makes an application over an empty storage. */
export type OpenAppFunction = (options?: AppOptions) => Promise<OpenApp>

/** What a test may choose of an application. */
export type AppOptions = Omit<Partial<TusAppOptions>, 'storage' | 'completedDir' | 'logger'>

/** What is logged here was provoked. */
const SILENT: NonNullable<TusAppOptions['logger']> = {
  info: () => {},
  warn: () => {},
  error: () => {},
}

/** By the name of the storage. */
export const STORAGES: Readonly<Record<string, OpenAppFunction>> = {
  MemoryStorage: (options) => openApp(options, () => new MemoryStorage()),
  FilesystemStorage: (options) =>
    openApp(options, (directory) => new FilesystemStorage({ directory, fsync: false })),
}

async function openApp(
  options: AppOptions = {},
  openStorage: (directory: string) => TusAppOptions['storage'],
): Promise<OpenApp> {
  const root = await mkdtemp(join(tmpdir(), 'tussi-conformance-'))
  const directory = join(root, 'uploads')
  const completedDir = join(root, 'completed')
  const storage = openStorage(directory)
  const tus = new TusApp({ ...options, storage, completedDir, logger: SILENT })
  const close = async (): Promise<void> => {
    await tus.close()
    await storage.close()
    await rm(root, { recursive: true, force: true })
  }
  return { tus, storage, directory, completedDir, close }
}

/** By the name of the transport: from an application to a server that runs. */
export const TRANSPORTS: Readonly<Record<string, (open: OpenAppFunction) => Start>> = {
  'node:http': (open) => async (options) => {
    const app = await open(options)
    const { server, port } = await listen(app)
    const authority = `127.0.0.1:${port}`
    return { send: sendOverHttp(port), authority, close: () => end(server, app) }
  },
  'node:http, attached': (open) => async (options) => {
    const app = await open(options)
    const { server, port } = await listen(app, { attached: true })
    const authority = `127.0.0.1:${port}`
    return { send: sendOverHttp(port), authority, close: () => end(server, app) }
  },
  'node:http2': (open) => async (options) => {
    const app = await open(options)
    const server = createHttp2Server(app.tus.listener)
    const authority = `127.0.0.1:${await portOf(server)}`
    const session = connect(`http://${authority}`)
    const close = async (): Promise<void> => {
      session.close()
      await end(server, app)
    }
    return { send: sendOverHttp2(session), authority, close }
  },
  fetch:
    (open) =>
    async (options): Promise<Running> => {
      const app = await open(options)
      const handle = (request: Request) => app.tus.fetch(request, { remoteAddress: '127.0.0.1' })
      return { send: sendToFetch('tussi.test', handle), authority: 'tussi.test', close: app.close }
    },
}

/** Whether most requests go past the objects of `node:http`. */
export const WAYS = [{ attached: false }, { attached: true }] as const
export type Way = (typeof WAYS)[number]

/** Serves `app` by `node:http`, with `Expect` decided before the body. */
export async function listen(
  { tus }: OpenApp,
  { attached = false, ...options }: ListenOptions = {},
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(options, tus.listener)
  server.on('checkContinue', tus.checkContinue)
  if (attached) tus.attach(server, { path: '/' })
  return { server, port: await portOf(server) }
}

interface ListenOptions {
  readonly insecureHTTPParser?: boolean
  readonly attached?: boolean
}

/** Ends the server, then the application. */
export async function end(server: NetServer, { tus, close }: OpenApp): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await tus.close()
  if ('closeAllConnections' in server) (server as Server).closeAllConnections()
  await closed
  await close()
}

async function portOf(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

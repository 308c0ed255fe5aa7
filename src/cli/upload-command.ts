/** `tussi-upload`. @module */
import { randomFillSync, randomUUID } from 'node:crypto'
import { access, constants, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { readVersion } from './args.ts'
import { formatBytes, ProgressDisplay } from './progress-bar.ts'
import { type SourceFile, sendFile } from './send-file.ts'
import { type Stop, stopOnSignals } from './signals.ts'
import { parseUploadArgs, UPLOAD_HELP, type UploadArgs } from './upload-args.ts'
import { FileUrlStorage } from './url-storage.ts'

/** Resolves with the exit code. */
export async function uploadCommand(argv: readonly string[]): Promise<number> {
  const args = parseUploadArgs(argv)
  if (args.help) return print(UPLOAD_HELP)
  if (args.version) return print(`tussi ${readVersion()}\n`)
  if (args.files.length > 0) return sendAll(args, await inspectFiles(args.files), true)
  const path = await writeRandomFile(args.size)
  try {
    return await sendAll(args, await inspectFiles([path]), false)
  } finally {
    await rm(path, { force: true })
  }
}

async function sendAll(
  args: UploadArgs,
  files: readonly SourceFile[],
  resumable: boolean,
): Promise<number> {
  const urlStorage = resumable ? new FileUrlStorage(args.progress) : undefined
  await urlStorage?.check()
  const stop = stopOnSignals('SIGINT', 'SIGTERM')
  const { signal } = stop
  const { stdout } = process
  const display = new ProgressDisplay({
    isTTY: stdout.isTTY === true,
    get columns() {
      return stdout.columns || 80
    },
    write: (text) => stdout.write(text),
  })
  const confirmResume = createConfirm(args, display, stop)
  const queue = [...files]
  const failures: string[] = []
  const sender = async (): Promise<void> => {
    for (let file = queue.shift(); file && !signal.aborted; file = queue.shift()) {
      const { path, size } = file
      const name = basename(path)
      try {
        const onProgress = (sent: number): void => display.update(path, { name, sent, total: size })
        const url = await sendFile(file, { ...args, urlStorage, signal, confirmResume, onProgress })
        display.remove(path)
        display.print(`sent ${name} (${formatBytes(size)}) to ${url}`)
      } catch (error) {
        display.remove(path)
        if (!signal.aborted) failures.push(`${name}: ${(error as Error).message}`)
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: args.parallel }, sender))
  } finally {
    display.close()
  }
  return report(failures, signal.aborted ? stop.exitCode() : undefined, resumable)
}

function report(
  failures: readonly string[],
  interrupted: number | undefined,
  resumable: boolean,
): number {
  for (const failure of failures) process.stderr.write(`tussi-upload: ${failure}\n`)
  if (interrupted !== undefined) {
    const how = resumable ? '; run the same command again to go on' : ''
    process.stderr.write(`tussi-upload: interrupted${how}\n`)
    return interrupted
  }
  return failures.length > 0 ? 1 : 0
}

/** One question at a time, whatever is sent at once. */
function createConfirm(
  args: UploadArgs,
  display: ProgressDisplay,
  stop: Stop,
): (name: string) => Promise<boolean> {
  let tail: Promise<unknown> = Promise.resolve()
  return (name) => {
    const ask = process.stdin.isTTY && process.stdout.isTTY && !args.yes
    const answer = tail.then(async () => {
      if (!ask) {
        display.print(`resuming ${name}`)
        return true
      }
      const message = `${name} was begun before. Go on where it stopped?`
      const go = await confirm({ message, signal: stop.signal })
      if (!isCancel(go)) return go
      stop.interrupt()
      throw stop.signal.reason
    })
    tail = answer
    return answer
  }
}

async function inspectFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  for (const path of paths) {
    const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no such file' : error.code
      throw new Error(`${path}: ${why}`)
    })
    if (!stats.isFile()) throw new Error(`${path}: not a file`)
    await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
      throw new Error(`${path}: it cannot be read: ${error.code}`)
    })
    files.push({ path, size: stats.size, mtimeMs: stats.mtimeMs })
  }
  return files
}

async function writeRandomFile(size: number): Promise<string> {
  const path = join(tmpdir(), `tussi-random-${randomUUID()}.bin`)
  const file = await open(path, 'wx')
  try {
    const block = Buffer.alloc(Math.min(size, 2 ** 20))
    for (let left = size; left > 0; left -= block.length) {
      await file.write(randomFillSync(block), 0, Math.min(left, block.length))
    }
  } finally {
    await file.close()
  }
  return path
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

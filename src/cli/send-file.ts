/** Sends one file by tus-js-client. @module */
import { createReadStream, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { Upload, type UrlStorage } from 'tus-js-client'
import { completeRufh } from './complete-rufh.ts'
import { checkLook, describeFailure, isPassing } from './server-answer.ts'
import type { FileUrlStorage } from './url-storage.ts'

/** With the library's own repetition of these, a server may be away for about 20 seconds. */
const RETRY_DELAYS_MS = [0, 500, 1000, 2000, 4000, 5000, 8000]

const CHANGE_CHECK_MS = 1000

/** A file that is there to be sent. */
export interface SourceFile {
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
}

export interface SendOptions {
  readonly url: string
  readonly protocol: 'tus' | 'rufh'
  readonly chunkSize: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent for data that nobody can send again. */
  readonly urlStorage: FileUrlStorage | undefined
  readonly signal: AbortSignal
  /** Decides whether an unfinished upload goes on. */
  readonly confirmResume: (name: string) => Promise<boolean>
  readonly onProgress: (sent: number) => void
}

/** Resolves with the upload's URL. Rejects with an `Error` whose message is for people. */
export async function sendFile(file: SourceFile, options: SendOptions): Promise<string> {
  const { url, protocol, chunkSize, headers, urlStorage, signal } = options
  const rufh = protocol === 'rufh'
  const name = basename(file.path)
  let settle: { resolve: (url: string) => void; reject: (error: unknown) => void } | undefined
  const sent = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Whether the server has said so, where all bytes alone complete nothing.
  let ended = !rufh
  const stream = createReadStream(file.path)
  sent.catch(() => undefined)
  const fail = (error: unknown): void => {
    settle?.reject(error)
    void upload.abort()
  }
  stream.on('error', fail)
  const upload: Upload = new Upload(stream, {
    endpoint: url,
    // An option that its types do not know.
    ...(rufh && { protocol: 'ietf-draft-05' }),
    chunkSize,
    headers: { ...headers },
    metadata: { filename: name },
    uploadSize: file.size,
    retryDelays: RETRY_DELAYS_MS,
    fingerprint: () => Promise.resolve(fingerprint(file, options)),
    storeFingerprintForResuming: urlStorage !== undefined,
    removeFingerprintOnSuccess: !rufh,
    ...(urlStorage && { urlStorage: watched(urlStorage, fail) }),
    onAfterResponse: (request, answer) => {
      checkLook(request, answer)
      ended ||= answer.getHeader('Upload-Complete') === '?1'
    },
    onShouldRetry: (error) => isPassing(error),
    onProgress: options.onProgress,
    onSuccess: () => settle?.resolve(upload.url ?? url),
    onError: (error) => settle?.reject(new Error(describeFailure(error, url))),
  })
  const previous = urlStorage ? await upload.findPreviousUploads() : []
  const [found] = previous
  if (found && (await options.confirmResume(name))) upload.resumeFromPreviousUpload(found)
  else for (const { urlStorageKey } of previous) await urlStorage?.removeUpload(urlStorageKey)
  const abort = (): void => {
    void upload.abort().then(() => settle?.reject(signal.reason))
  }
  signal.throwIfAborted()
  signal.addEventListener('abort', abort)
  // A file that becomes shorter would leave a request waiting for its end for ever.
  const watch = setInterval(() => {
    const { size, mtimeMs } = statSync(file.path, { throwIfNoEntry: false }) ?? {}
    if (size === file.size && mtimeMs === file.mtimeMs) return
    fail(new Error('the file was changed while it was sent'))
  }, CHANGE_CHECK_MS)
  try {
    upload.start()
    const location = await sent
    const { size } = file
    const end = { url: location, size, headers, signal, retryDelaysMs: RETRY_DELAYS_MS }
    if (!ended) await completeRufh(end)
    const noted = rufh && urlStorage ? await upload.findPreviousUploads() : []
    for (const { urlStorageKey } of noted) await urlStorage?.removeUpload(urlStorageKey)
    return location
  } finally {
    clearInterval(watch)
    signal.removeEventListener('abort', abort)
  }
}

/** The library handles no failure to note an upload. It is not to send what could not be resumed. */
function watched(urlStorage: FileUrlStorage, fail: (error: unknown) => void): UrlStorage {
  return {
    findAllUploads: () => urlStorage.findAllUploads(),
    findUploadsByFingerprint: (fingerprint) => urlStorage.findUploadsByFingerprint(fingerprint),
    removeUpload: (key) => urlStorage.removeUpload(key),
    addUpload: (fingerprint, upload) =>
      urlStorage.addUpload(fingerprint, upload).catch((error) => {
        fail(error)
        return new Promise(() => undefined)
      }),
  }
}

/** A file that has changed since is another file. */
function fingerprint(
  { path, size, mtimeMs }: SourceFile,
  { url, protocol }: Pick<SendOptions, 'url' | 'protocol'>,
): string {
  const file = [resolve(path), size, mtimeMs, url]
  return JSON.stringify(protocol === 'tus' ? file : [...file, protocol])
}

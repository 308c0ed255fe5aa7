/** What the page can do, bundled for the browser by the test that opens it. @module */
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'
import { Upload, type UploadOptions } from 'tus-js-client'

/** What is the same in both clients. */
const RETRIES = { retryDelays: [0, 100, 200, 400] }

const page = {
  /** Sends the chosen file by Uppy; resolves with the upload's URL. */
  async sendByUppy(endpoint: string): Promise<string | undefined> {
    const uppy = new Uppy({ autoProceed: false }).use(Tus, { endpoint, ...RETRIES })
    uppy.on('upload-progress', (_file, { bytesUploaded, bytesTotal }) =>
      show('Uppy', bytesUploaded, bytesTotal ?? 0),
    )
    const file = chosenFile()
    uppy.addFile({ name: file.name, type: file.type, data: file })
    const result = await uppy.upload()
    const [failed] = result?.failed ?? []
    if (failed) throw new Error(`Uppy: ${failed.error}`)
    return result?.successful?.[0]?.uploadURL
  },

  /** Sends the chosen file by tus-js-client, from where an earlier page has stopped. */
  async sendByTus(endpoint: string, stopAt?: number): Promise<string> {
    const options: UploadOptions = { endpoint, parallelUploads: 1, chunkSize: 2 ** 20, ...RETRIES }
    return new Promise((resolve, reject) => {
      const upload = new Upload(chosenFile(), {
        ...options,
        metadata: { filename: chosenFile().name },
        onProgress: (sent, total) => show('tus-js-client', sent, total),
        onChunkComplete: (_size, accepted) => {
          if (accepted >= (stopAt ?? Number.POSITIVE_INFINITY))
            upload.abort().then(() => resolve(upload.url ?? ''), reject)
        },
        onSuccess: () => resolve(upload.url ?? ''),
        onError: reject,
      })
      upload.findPreviousUploads().then(([previous]) => {
        if (previous) upload.resumeFromPreviousUpload(previous)
        upload.start()
      }, reject)
    })
  },
}

function chosenFile(): File {
  const file = document.querySelector<HTMLInputElement>('input')?.files?.[0]
  if (!file) throw new Error('no file was chosen')
  return file
}

function show(client: string, sent: number, total: number): void {
  const [progress, output] = [document.querySelector('progress'), document.querySelector('output')]
  if (progress) progress.value = sent / total
  if (output) output.value = `${client}: ${sent} of ${total} bytes`
}

/** The functions of the page, as the test sees them. */
export type Page = typeof page

Object.assign(globalThis, page)

/** What `tussi-server` asks on a terminal. @module */
import { cancel, intro, isCancel, outro, text } from '@clack/prompts'
import { type GivenArgs, SERVER_DEFAULTS } from './server-args.ts'

type Answers = { uploadDir: string; destDir: string; host: string; port: number }

/** Asks for what was not given; `undefined` when the user gave up. */
export async function askServerArgs(given: GivenArgs): Promise<Answers | undefined> {
  intro('tussi: the upload server that does not lose files')
  const uploadDir = await ask('Upload dir', given.uploadDir, SERVER_DEFAULTS.uploadDir)
  const destDir = uploadDir && (await ask('Dest dir', given.destDir, SERVER_DEFAULTS.destDir))
  const host = destDir && (await ask('Host', given.host, SERVER_DEFAULTS.host))
  const port =
    host && (await ask('Port', given.port?.toString(), `${SERVER_DEFAULTS.port}`, isPort))
  if (!uploadDir || !destDir || !host || !port) {
    cancel('nothing was started')
    return undefined
  }
  outro('starting; Ctrl+C ends it')
  return { uploadDir, destDir, host, port: Number(port) }
}

async function ask(
  message: string,
  given: string | undefined,
  defaultValue: string,
  validate?: (value: string | undefined) => string | undefined,
): Promise<string | undefined> {
  if (given !== undefined) return given
  const answer = await text({
    message,
    placeholder: defaultValue,
    defaultValue,
    ...(validate && { validate }),
  })
  return isCancel(answer) ? undefined : answer
}

function isPort(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  const valid = /^\d+$/.test(value) && Number(value) <= 65_535
  return valid ? undefined : 'a number from 0 to 65535'
}

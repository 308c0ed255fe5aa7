/** The frame of a command: one line for people when it fails, an exit code for scripts. @module */
import { UsageError } from './args.ts'

/** Runs a command and ends the process when it has failed. */
export async function runCommand(name: string, main: () => Promise<number>): Promise<void> {
  // A reader that left, as in `tussi-server | head`, is no reason for a stack trace.
  process.stdout.on('error', ignoreBrokenPipe)
  try {
    process.exitCode = await main()
  } catch (error) {
    const usage = error instanceof UsageError
    process.stderr.write(`${name}: ${describe(error)}\n`)
    process.exit(usage ? 2 : 1)
  }
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replaceAll('\n', ' ')
}

function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

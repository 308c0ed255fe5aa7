import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { SERVER_HELP } from '../../src/cli/server-args.ts'
import { UPLOAD_HELP } from '../../src/cli/upload-args.ts'

const TEXT = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

/** The flags that a section of docs/configuration.md names in its table. */
function documented(command: string): string[] {
  const [, section = ''] = TEXT.split(`## \`${command}\``)
  const [own = ''] = section.split('\n## ')
  const rows = own.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((line) => flagsOf(line.split('|')[1] ?? ''))
}

function flagsOf(text: string): string[] {
  return [...text.matchAll(/--[a-z-]+/g)].map(([flag]) => flag).sort()
}

describe('docs/configuration.md', () => {
  it.each([
    ['tussi-server', SERVER_HELP],
    ['tussi-upload', UPLOAD_HELP],
  ])('names the flags of %s', (command, help) => {
    const lines = help.split('\n').filter((line) => /^ {2}--/.test(line))
    const flags = lines
      .map((line) => /--[a-z-]+/.exec(line)?.[0] ?? '')
      .filter((f) => f !== '--help')
    expect(documented(command).sort()).toEqual(flags.sort())
  })
})

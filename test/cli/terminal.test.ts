import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createUpload, temporaryDirectory } from '../serve.ts'
import { randomFile, SERVER, saved, serveScript, startServer, UPLOAD, upload } from './commands.ts'
import { CTRL_C, ENTER, startOnTerminal } from './terminal.ts'

describe('tussi-server on a terminal', () => {
  it('asks for directories, host and port, defaults shown, and ends with 0 by Ctrl+C', async () => {
    const cwd = await temporaryDirectory()
    const terminal = startOnTerminal(SERVER, [], cwd)
    // The first character of a default stands apart, under the cursor.
    const answer = async (question: RegExp, keys: string): Promise<void> => {
      await terminal.until(question)
      terminal.type(keys)
    }
    await answer(/Upload dir[\s\S]*\/uploads/, `up${ENTER}`)
    await answer(/Dest dir[\s\S]*\/dest/, ENTER)
    await answer(/Host[\s\S]*27\.0\.0\.1/, ENTER)
    await answer(/Port[\s\S]*080/, `99999${ENTER}`)
    await answer(/a number from 0 to 65535/, `${'\u007f'.repeat(5)}0${ENTER}`)
    const [, url = ''] = await terminal.until(/listening on (http:\S+)/)
    await createUpload(url, 0, { filename: 'a' })
    await saved(cwd, 'a')
    terminal.type(CTRL_C)
    expect(await terminal.ended).toMatchObject({ code: 0 })
    expect((await readdir(cwd)).sort()).toEqual(['dest', 'up'])
  })

  it('asks only for what was not given, and nothing with --yes', async () => {
    const cwd = await temporaryDirectory()
    const terminal = startOnTerminal(SERVER, ['--yes', '--port', '0'], cwd)
    await terminal.until(/listening on/)
    expect(terminal.stdout()).not.toMatch(/Upload dir/)
    const asking = startOnTerminal(SERVER, ['--upload-dir', 'u', '--port', '0'], cwd)
    await asking.until(/Dest dir/)
    asking.type(ENTER)
    await asking.until(/Host/)
    asking.type(ENTER)
    await asking.until(/listening on/)
    expect(asking.stdout()).not.toMatch(/Upload dir|Port/)
  })

  it('starts nothing when a question is answered by Ctrl+C', async () => {
    const cwd = await temporaryDirectory()
    const terminal = startOnTerminal(SERVER, [], cwd)
    await terminal.until(/Upload dir/)
    terminal.type(CTRL_C)
    expect(await terminal.ended).toMatchObject({ code: 130 })
    expect(terminal.stdout()).toMatch(/nothing was started/)
    expect(await readdir(cwd)).toEqual([])
  })
})

describe('tussi-upload on a terminal', () => {
  it('shows bar, rate and time left, and leaves nothing of them behind after Ctrl+C', async () => {
    const cwd = await temporaryDirectory()
    const { url } = await startServer(cwd)
    await randomFile(join(cwd, 'a.bin'), 100_000_000)
    const flags = ['--url', url, '--chunk-size', '100000', 'a.bin']
    const terminal = startOnTerminal(UPLOAD, flags, cwd)
    await terminal.until(/a\.bin [█░]{24} +\d+ % [\d.]+ MiB of 95\.4 MiB [\d.]+ .?iB\/s \d+ s left/)
    terminal.type(CTRL_C)
    expect(await terminal.ended).toMatchObject({ code: 130 })
    // The terminal echoes ^C behind the bar: what clears it begins at the left.
    const [last = ''] = terminal.stdout().split('\n').slice(-2)
    expect(last).toContain('\r\u001b[1A\u001b[Jtussi-upload: interrupted')
  })

  const begun = async (): Promise<{
    cwd: string
    flags: string[]
    requests: readonly string[]
  }> => {
    const cwd = await temporaryDirectory()
    const { url, requests } = await serveScript({
      POST: [[201, { Location: '/files/1' }]],
      PATCH: [[403], [204, { 'Upload-Offset': '5' }]],
      HEAD: [[200, { 'Upload-Offset': '0', 'Upload-Length': '5' }]],
    })
    await writeFile(join(cwd, 'a'), 'hello')
    const flags = ['--url', url, 'a']
    await upload(flags, cwd)
    expect(requests).toEqual(['POST', 'PATCH'])
    return { cwd, flags, requests }
  }

  it.each([
    ['yes', ENTER, ['HEAD', 'PATCH']],
    ['no', `n${ENTER}`, ['POST', 'PATCH']],
  ])('asks whether to go on, and does what it is told: %s', async (_, keys, more) => {
    const { cwd, flags, requests } = await begun()
    const terminal = startOnTerminal(UPLOAD, flags, cwd)
    await terminal.until(/a was begun before/)
    terminal.type(keys)
    expect(await terminal.ended).toMatchObject({ code: 0 })
    expect(stripVTControlCharacters(terminal.stdout())).toMatch(/sent a \(5 B\)/)
    expect(requests).toEqual(['POST', 'PATCH', ...more])
  })

  it('sends nothing and forgets nothing when that is answered by Ctrl+C', async () => {
    const { cwd, flags, requests } = await begun()
    const progress = await readFile(join(cwd, 'tus-progress.json'), 'utf8')
    const terminal = startOnTerminal(UPLOAD, flags, cwd)
    await terminal.until(/a was begun before/)
    terminal.type(CTRL_C)
    expect(await terminal.ended).toMatchObject({ code: 130 })
    expect(terminal.stdout()).toMatch(/interrupted; run the same command again/)
    expect(requests).toEqual(['POST', 'PATCH'])
    expect(await readFile(join(cwd, 'tus-progress.json'), 'utf8')).toBe(progress)
  })
})

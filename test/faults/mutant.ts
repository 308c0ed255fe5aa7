/** A built server with one piece of its code taken out: a suite that does not notice proves nothing. @module */
import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '../serve.ts'

const PROJECT = new URL('../..', import.meta.url).pathname

/** Copies `dist`, replaces `code` in `file`, and resolves with the path of its `tussi-server`. */
export async function mutant(file: string, code: string, instead: string): Promise<string> {
  const copy = await temporaryDirectory()
  await cp(join(PROJECT, 'dist'), join(copy, 'dist'), { recursive: true })
  await symlink(join(PROJECT, 'node_modules'), join(copy, 'node_modules'))
  await writeFile(join(copy, 'package.json'), await readFile(join(PROJECT, 'package.json')))
  const path = join(copy, 'dist', file)
  const text = await readFile(path, 'utf8')
  if (!text.includes(code)) throw new Error(`${file} has no ${code}: the mutation is out of date`)
  await writeFile(path, text.replace(code, instead))
  return join(copy, 'dist', 'cli', 'server-main.js')
}

/** The code that readers copy compiles: every `@example`, the README, and what is whole in docs/. @module */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { run } from '../run.ts'

const ROOT = new URL('../..', import.meta.url).pathname

async function snippets(): Promise<{ name: string; code: string }[]> {
  const found: { name: string; code: string }[] = []
  const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).map(
    (path) => `src/${path}`,
  )
  const docs = (await readdir(join(ROOT, 'docs'))).map((path) => `docs/${path}`)
  const pages = ['README.md', ...docs.filter((name) => name.endsWith('.md'))]
  for (const path of [...pages, ...sources.filter((name) => name.endsWith('.ts'))]) {
    const text = (await readFile(join(ROOT, path), 'utf8')).replace(/^ *\* ?/gm, '')
    for (const [, code = ''] of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      if (path.startsWith('docs/') && !isWhole(code)) continue
      found.push({ name: `${path.replace(/\W/g, '-')}-${found.length}.ts`, code })
    }
  }
  return found
}

/** Pages of docs/ show parts as well; what says what it imports is meant to run. */
function isWhole(code: string): boolean {
  return code.startsWith('import ')
}

/** What an example may take for granted. */
const GIVEN = `declare global { const tus: import('tussi').TusApp }\n`

it('every example compiles as it stands', async () => {
  const directory = join(ROOT, '.cache', 'snippets')
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const all = await snippets()
  expect(all.length).toBeGreaterThanOrEqual(9)
  for (const { name, code } of all) {
    const needsUploadError = /\bUploadError\b/.test(code) && !/import .*UploadError/.test(code)
    const imports = needsUploadError ? "import { UploadError } from 'tussi'\n" : ''
    await writeFile(join(directory, name), `${imports}${code}\nexport {}\n`)
  }
  await writeFile(join(directory, 'given.d.ts'), `${GIVEN}export {}\n`)
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { isolatedDeclarations: false, declaration: false, declarationMap: false },
      include: ['*.ts'],
    }),
  )
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
  const { code, stdout } = await run(tsc, ['-p', directory], { cwd: ROOT })
  expect(stdout).toBe('')
  expect(code).toBe(0)
})

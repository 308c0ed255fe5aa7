/** The tables of the documentation, held against the code. @module */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROBLEMS } from '../../src/http/problem.ts'

const ROOT = new URL('../..', import.meta.url).pathname

async function docs(): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'))
  const all = ['README.md', 'CONTRIBUTING.md', 'examples/README.md']
  all.push(...names.map((name) => `docs/${name}`))
  const texts = await Promise.all(all.map((name) => readFile(join(ROOT, name), 'utf8')))
  return Object.fromEntries(all.map((name, i) => [name, texts[i] ?? '']))
}

/** The names in the first column of the tables of one page. */
function firstColumn(text: string): string[] {
  return [...text.matchAll(/^\| `(\w+)/gm)].map(([, name = '']) => name)
}

async function membersOf(source: string, name: string): Promise<string[]> {
  const text = await readFile(join(ROOT, 'src', source), 'utf8')
  const [, body = ''] =
    new RegExp(`interface ${name}(?: extends \\w+)? {\\n([\\s\\S]*?)\\n}`).exec(text) ?? []
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member = '']) => member)
}

describe('the tables of options', () => {
  it.each([
    ['docs/configuration.md', 'options.ts', 'TusAppOptions', 20],
    ['docs/configuration.md', 'upload/admission-options.ts', 'AdmissionOptions', 7],
    ['docs/configuration.md', 'store/fs/filesystem-storage.ts', 'FilesystemStorageOptions', 5],
    ['docs/janitor.md', 'janitor/options.ts', 'JanitorOptions', 8],
    ['docs/completed-uploads.md', 'queue/work.ts', 'WorkOptions', 4],
  ])('%s has every option of %s, %s', async (page, source, name, count) => {
    const members = await membersOf(source, name)
    expect(members).toHaveLength(count)
    expect(firstColumn((await docs())[page] ?? '')).toEqual(expect.arrayContaining(members))
  })
})

describe('the codes of errors', () => {
  it('each stand somewhere', async () => {
    const text = Object.values(await docs()).join('')
    const missing = Object.keys(PROBLEMS).filter((code) => !text.includes(`\`${code}\``))
    expect(missing).toEqual([])
  })

  it('stand in docs/protocol.md with the status that clients get', async () => {
    const text = (await docs())['docs/protocol.md'] ?? ''
    const rows = [...text.matchAll(/^\| (\d{3}) \| `(ERR_\w+)`/gm)]
    expect(rows.length).toBeGreaterThan(20)
    for (const [, status, code = ''] of rows) {
      const problem = PROBLEMS[code as keyof typeof PROBLEMS]
      if (problem) expect([code, `${problem.status}`]).toEqual([code, status])
    }
    const listed = new Set(rows.map(([, , code]) => code))
    const own = Object.entries(PROBLEMS).filter(([, { title }]) => title !== 'Server fault')
    expect(own.map(([code]) => code).filter((code) => !listed.has(code))).toEqual([])
  })

  it('of tussi-server itself stand there too', async () => {
    const source = await readFile(join(ROOT, 'src/cli/http-server.ts'), 'utf8')
    const codes = [...source.matchAll(/code: '(ERR_\w+)'/g)].map(([, code = '']) => code)
    expect(codes).toHaveLength(2)
    const text = (await docs())['docs/protocol.md'] ?? ''
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([])
  })
})

describe('links', () => {
  it('lead to files that are there', async () => {
    const broken: string[] = []
    for (const [page, text] of Object.entries(await docs())) {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
        if (/^https?:/.test(target)) continue
        const path = join(ROOT, page, '..', target)
        const there = await readFile(path).then(
          () => true,
          (error) => error.code === 'EISDIR',
        )
        if (!there) broken.push(`${page}: ${target}`)
      }
    }
    expect(broken).toEqual([])
  })
})

describe('CONTRIBUTING.md', () => {
  it('has the suites and their budgets', async () => {
    const table = await readFile(join(ROOT, 'scripts/suites.mjs'), 'utf8')
    const suites = [...table.matchAll(/name: '(\w+)',[\s\S]*?budgetSeconds: (\d+)/g)]
    expect(suites.length).toBeGreaterThan(10)
    const text = (await docs())['CONTRIBUTING.md'] ?? ''
    const rows = [...text.matchAll(/^\| (\w+)(?: \*)? \| [^|]+ \| (\d+) s \|$/gm)]
    const documented = rows.map(([, name, seconds]) => `${name} ${seconds}`)
    expect(documented).toEqual(suites.map(([, name, seconds]) => `${name} ${seconds}`))
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * What each room may import: other rooms, `node` for the built-in modules, packages by name.
 * A room named with a file holds for that file alone.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  logger: [],
  protocol: ['errors'],
  store: ['errors', 'logger', 'node'],
  'store/fs/c-library.ts': ['node:module', 'koffi'],
  queue: ['errors', 'logger', 'store'],
  upload: ['errors', 'logger', 'protocol', 'store'],
  'upload/final-id.ts': ['node:crypto'],
  'upload/running-digests.ts': ['store', 'node:crypto'],
  'upload/checksum.ts': ['errors', 'protocol', 'store', 'node:crypto', 'node:zlib'],
  http: ['errors', 'logger', 'protocol', 'upload'],
  'http/content-digest.ts': ['protocol', 'node:crypto'],
  'http/trusted-proxies.ts': ['node:net'],
  options: ['http', 'logger', 'store', 'upload'],
  janitor: ['errors', 'logger', 'store'],
  adapters: ['errors', 'http', 'logger', 'protocol', 'store', 'upload', 'node'],
  app: [
    'adapters',
    'errors',
    'http',
    'logger',
    'node:http',
    'options',
    'protocol',
    'queue',
    'store',
    'upload',
  ],
  index: [
    'adapters',
    'app',
    'errors',
    'http',
    'janitor',
    'logger',
    'options',
    'queue',
    'store',
    'upload',
  ],
  cli: ['index', 'node', 'tus-js-client', '@clack/prompts'],
}

/** The aim is 130; beyond this a file does two things. */
const MAX_LINES = 260

const IMPORTS = [
  /\bfrom\s*'([^']+)'/g,
  /\bimport\s*'([^']+)'/g,
  /\bimport\(\s*'([^']+)'\s*\)/g,
  /\brequire\(?\)?\(\s*'([^']+)'\s*\)/g,
  /\(import\.meta\.url\)\('([^']+)'\)/g,
  /\bnew URL\(\s*'(\.[^']+\.[jt]s)'/g,
]

interface SourceFile {
  readonly path: string
  readonly text: string
}

function roomOf(path: string): string {
  return path.split('/')[0]?.replace(/\.[jt]s$/, '') ?? ''
}

function nameImport(from: string, specifier: string): string {
  return specifier.startsWith('.') ? roomOf(normalize(join(dirname(from), specifier))) : specifier
}

function findViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const allowed = MAY_IMPORT[path] ?? MAY_IMPORT[roomOf(path)]
    if (!allowed) return [`${path}: a room that the table does not know`]
    const code = text.replace(/^\s*\*.*$/gm, '')
    const names = IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)])
      .map(([, specifier = '']) => nameImport(path, specifier))
      .filter((name) => name !== roomOf(path))
    return names
      .filter((name) => !allowed.includes(name))
      .filter((name) => !(name.startsWith('node:') && allowed.includes('node')))
      .map((name) => `${path} -> ${name}`)
  })
}

const sources: SourceFile[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join('src', path), 'utf8') }))

describe('architecture', () => {
  it('imports only go downhill', () => {
    expect(sources.length).toBeGreaterThan(50)
    expect(findViolations(sources)).toEqual([])
  })

  it.each([
    ['a room above', "import { x } from '../app/tus-app.ts'"],
    ['a built-in module', "import { readFile } from 'node:fs'"],
    ['a package', "import koffi from 'koffi'"],
    ['a type', "import type { A } from '../http/exchange.ts'"],
    ['a side effect', "import '../index.ts'"],
    ['a later import', "const x = await import('../store/storage.ts')"],
    ['an export', "export { x } from '../queue/wait-for-file.ts'"],
    ['a thread', "new Worker(new URL('../store/fs/io-thread.js', import.meta.url))"],
    ['a require', "createRequire(import.meta.url)('koffi')"],
  ])('would notice %s', (_what, text) => {
    expect(findViolations([{ path: 'protocol/made-up.ts', text }])).toHaveLength(1)
  })

  it('would notice a room that nobody planned', () => {
    expect(findViolations([{ path: 'misc/a.ts', text: '' }])).toHaveLength(1)
  })

  it('keeps files short enough to be about one thing', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > MAX_LINES)
    expect(long.map(({ path }) => path)).toEqual([])
  })
})

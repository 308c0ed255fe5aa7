/** Strict command lines: what is not known is refused by name. @module */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** A wrong command line; `message` is the one line that the user gets to see. */
export class UsageError extends Error {}

/** The flags of a command: text, yes or no, and those that may be repeated. */
export interface FlagTable {
  readonly texts: readonly string[]
  readonly switches: readonly string[]
  readonly lists: readonly string[]
  /** Flags that a later version brings, so that the refusal can say so. */
  readonly later: readonly string[]
}

/** A parsed command line. */
export interface Flags {
  text(name: string): string | undefined
  switch(name: string): boolean
  list(name: string): readonly string[]
  /** An integer within bounds. @throws UsageError */
  integer(name: string, bounds: { readonly min: number; readonly max?: number }): number | undefined
  readonly files: readonly string[]
}

/** @throws UsageError */
export function parseFlags(argv: readonly string[], table: FlagTable): Flags {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: boolean }> = {}
  for (const name of table.texts) options[name] = { type: 'string', multiple: true }
  for (const name of table.lists) options[name] = { type: 'string', multiple: true }
  for (const name of table.switches) options[name] = { type: 'boolean', multiple: false }
  refuseUnknown(argv, options, table.later)
  const { values, positionals } = parse(argv, options)
  const text = (name: string): string | undefined => {
    const value = (values[name] as string[] | undefined)?.at(-1)
    // Of an unset variable, as in `--host "$HOST"`: for Node that would be every address.
    if (value === '') throw new UsageError(`--${name} must not be empty`)
    return value
  }
  return {
    text,
    switch: (name) => values[name] === true,
    list: (name) => (values[name] as string[] | undefined) ?? [],
    integer: (name, bounds) => readInteger(name, text(name), bounds),
    files: positionals,
  }
}

/** The version of the package, for `--version`. */
export function readVersion(): string {
  const path = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

function refuseUnknown(
  argv: readonly string[],
  options: Readonly<Record<string, unknown>>,
  later: readonly string[],
): void {
  for (const arg of argv) {
    if (arg === '--') return
    const name = /^--([^=]+)/.exec(arg)?.[1]
    if (later.includes(name ?? ''))
      throw new UsageError(`--${name} is not available in this version`)
    const unknown = name === undefined ? /^-[^-]/.test(arg) : !(name in options)
    if (unknown && !isValue(arg, argv, options)) {
      throw new UsageError(`unknown flag ${arg}; --help lists the flags`)
    }
  }
}

/** Whether an argument that looks like a flag is the value of the flag before it, as in `--size -1`. */
function isValue(
  arg: string,
  argv: readonly string[],
  options: Readonly<Record<string, unknown>>,
): boolean {
  const before = argv[argv.indexOf(arg) - 1]?.replace(/^--/, '')
  const option = before === undefined ? undefined : options[before]
  return (option as { type?: string } | undefined)?.type === 'string'
}

function parse(
  argv: readonly string[],
  options: Record<string, { type: 'string' | 'boolean'; multiple: boolean }>,
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: joinValues(argv, options), options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\.? To specify|\n/)[0] ?? 'wrong flags')
  }
}

/** `--flag -1` would be ambiguous to parseArgs; `--flag=-1` is not. */
function joinValues(
  argv: readonly string[],
  options: Readonly<Record<string, { type: 'string' | 'boolean' }>>,
): string[] {
  const joined: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] as string
    const next = argv[i + 1]
    const name = arg.startsWith('--') ? arg.slice(2) : ''
    if (options[name]?.type === 'string' && next !== undefined && /^-\d/.test(next)) {
      joined.push(`${arg}=${next}`)
      i++
    } else joined.push(arg)
  }
  return joined
}

function readInteger(
  name: string,
  text: string | undefined,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
): number | undefined {
  if (text === undefined) return undefined
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new UsageError(`--${name} must be an integer ${range}, got ${text}`)
}

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { foldersWithoutSuite, listRuns, OTHER_NODES, ROOT, SUITES } from '../../scripts/suites.mjs'

/** @param {readonly string[]} args */
function npmTest(...args) {
  const script = join(ROOT, 'scripts', 'test.mjs')
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
}

describe('npm test', () => {
  it('lists every run with its budget', () => {
    const { status, stdout } = npmTest('--list')
    expect(status).toBe(0)
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0])
    expect(names).toEqual(listRuns().map(({ name }) => name))
  })

  it('explains its flags', () => {
    const { status, stdout } = npmTest('--help')
    expect(status).toBe(0)
    for (const flag of ['--suite', '--strict', '--list', '--help']) expect(stdout).toContain(flag)
  })

  it.each([
    ['an unknown flag', '--fast', "Unknown option '--fast'"],
    ['an unknown suite', '--suite=nothing', 'there is no suite nothing'],
    ['a word', 'protocol', "Unexpected argument 'protocol'"],
  ])('refuses %s in one line', (_, arg, reason) => {
    const { status, stdout, stderr } = npmTest(arg)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(reason)
  })
})

describe('the table of suites', () => {
  it('has a row for every folder with tests', () => {
    expect(foldersWithoutSuite()).toEqual([])
  })

  it('stands in CONTRIBUTING.md', () => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')
    for (const { name, everyNode, proves, budgetSeconds } of SUITES) {
      expect(text).toContain(
        `\n| ${name}${everyNode ? ' *' : ''} | ${proves} | ${budgetSeconds} s |\n`,
      )
    }
  })

  it('runs some suites on every other line of Node.js, and none on the present one twice', () => {
    const names = listRuns('22.1.0').map(({ name }) => name)
    expect(names).toContain('protocol')
    expect(names).not.toContain('protocol@22')
    for (const line of Object.keys(OTHER_NODES).filter((other) => other !== '22')) {
      expect(names).toContain(`protocol@${line}`)
    }
  })
})

describe('npm run soak', () => {
  /** @param {readonly string[]} args */
  const soak = (...args) =>
    spawnSync(process.execPath, [join(ROOT, 'scripts', 'soak.mjs'), ...args], { encoding: 'utf8' })

  it('knows files that are there', () => {
    const { status, stdout } = soak('--help')
    expect(status).toBe(0)
    const names = /given again: (.*)/.exec(stdout)?.[1]?.split(', ') ?? []
    expect(names).toContain('kills')
    for (const name of names) {
      expect(existsSync(join(ROOT, 'test', 'faults', `${name}.test.ts`)), name).toBe(true)
    }
  })

  it.each([
    ['an unknown soak', '--only=nothing', 'there is no soak nothing'],
    ['no length', '--scale=0', '--scale must be a number above 0'],
    ['a seed that is none', '--seed=x', '--seed must be a whole number'],
  ])('refuses %s in one line', (_, arg, reason) => {
    const { status, stderr } = soak(arg)
    expect(status).toBe(2)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(reason)
  })
})

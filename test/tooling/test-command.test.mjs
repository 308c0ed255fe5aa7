import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

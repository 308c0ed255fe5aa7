import { mkdir, mkdtemp, rm, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { distIsCurrent } from '../../scripts/build.mjs'
import { npmComplaint, packagesAreCurrent } from '../../scripts/install.mjs'
import { describeOldNode } from '../../scripts/node-version.mjs'

/** @type {string} */
let root

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tussi-stale-'))
})

afterEach(() => rm(root, { recursive: true, force: true }))

/**
 * @param {string} path
 * @param {string} text
 * @param {number} [seconds] its time
 */
async function write(path, text, seconds = 100) {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
  await utimes(join(root, path), seconds, seconds)
}

describe('packagesAreCurrent', () => {
  const wanted = {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/for-another-platform': { version: '1.0.0', integrity: 'y', optional: true },
  }
  const present = { 'node_modules/a': wanted['node_modules/a'] }

  /** @param {Record<string, object>} packages */
  async function install(packages) {
    await write('package-lock.json', JSON.stringify({ packages: wanted }))
    await write('node_modules/.package-lock.json', JSON.stringify({ packages }))
  }

  it('accepts what the lock file asks for, without packages for other platforms', async () => {
    await install(present)
    expect(packagesAreCurrent(root)).toBe(true)
  })

  it('refuses when nothing is installed', async () => {
    await write('package-lock.json', JSON.stringify({ packages: wanted }))
    expect(packagesAreCurrent(root)).toBe(false)
  })

  it('refuses when a package is missing', async () => {
    await install({})
    expect(packagesAreCurrent(root)).toBe(false)
  })

  it.each([
    ['version', { version: '0.9.0', integrity: 'x' }],
    ['integrity', { version: '1.0.0', integrity: 'z' }],
  ])('refuses when the %s of a package differs', async (_, a) => {
    await install({ 'node_modules/a': a })
    expect(packagesAreCurrent(root)).toBe(false)
  })
})

describe('distIsCurrent', () => {
  beforeEach(async () => {
    for (const path of ['package.json', 'package-lock.json', 'tsconfig.json']) await write(path, '')
    await write('tsconfig.build.json', '')
    await write('scripts/build.mjs', '')
    await write('src/room/file.ts', '')
    await write('src/index.ts', '')
    await settle()
    await write('dist/index.js', '', 200)
  })

  async function settle() {
    for (const path of ['src', 'src/room']) await utimes(join(root, path), 100, 100)
  }

  it('accepts a build that is newer than everything it is made of', () => {
    expect(distIsCurrent(root)).toBe(true)
  })

  it('refuses when there is no build', async () => {
    await unlink(join(root, 'dist/index.js'))
    expect(distIsCurrent(root)).toBe(false)
  })

  it.each(['src/room/file.ts', 'tsconfig.build.json', 'package.json', 'scripts/build.mjs'])(
    'refuses when %s is newer',
    async (path) => {
      await write(path, 'changed', 300)
      expect(distIsCurrent(root)).toBe(false)
    },
  )

  it('refuses when a source went away', async () => {
    await unlink(join(root, 'src/room/file.ts'))
    expect(distIsCurrent(root)).toBe(false)
  })
})

describe('describeOldNode', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '26.10.0'])('accepts %s', (version) => {
    expect(describeOldNode(version)).toBeUndefined()
  })

  it.each(['18.20.8', '20.18.3'])('says what is needed instead of %s', (version) => {
    expect(describeOldNode(version)).toBe(`Node.js 20.19 or newer is needed, this is ${version}`)
  })
})

describe('npmComplaint', () => {
  it('gives the code and the first sentence', () => {
    const output = [
      'npm error code ENOTFOUND',
      'npm error syscall getaddrinfo',
      'npm error errno ENOTFOUND',
      'npm error network request failed, reason: getaddrinfo',
      'npm error A complete log of this run can be found in: somewhere',
    ].join('\n')
    expect(npmComplaint(output)).toBe('ENOTFOUND: network request failed, reason: getaddrinfo')
  })

  it('gives the last line of any other output', () => {
    expect(npmComplaint('one\ntwo\n')).toBe('two')
  })
})

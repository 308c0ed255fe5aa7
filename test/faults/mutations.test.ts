/**
 * A safeguard is taken out of the built package, and a suite is run that should notice: one that
 * passes all the same proves nothing. `order`, `power-loss` and `contention` have their own.
 *
 * @module
 */
import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Run, run } from '../run.ts'
import { temporaryDirectory } from '../serve.ts'

const PROJECT = new URL('../..', import.meta.url).pathname
const VITEST = join('node_modules', 'vitest', 'vitest.mjs')

interface Mutation {
  readonly file: string
  readonly code: string
  readonly instead: string
  /** The suite that has to notice, and which of its tests. */
  readonly suite: string
  readonly test: string
}

const STILL_THERE = {
  file: 'store/fs/io-call.js',
  code: 'there?.ino === here.ino && there.dev === here.dev ? here',
  instead: 'true ? here',
  suite: 'store',
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'the inode check of an upload': { ...STILL_THERE, test: 'moves on between open and lock' },
  'the inode check of a claim': { ...STILL_THERE, test: 'saved between open and lock' },
  'the epoch': {
    file: 'store/fs/append.js',
    code: 'now?.epoch === record.epoch',
    instead: 'now !== undefined',
    suite: 'store',
    test: 'another has followed',
  },
  'the comparison of offsets': {
    file: 'store/fs/append.js',
    code: 'record.offset !== offset ||',
    instead: 'false ||',
    suite: 'contract',
    test: 'appends race',
  },
  'the comparison of offsets, on random walks': {
    file: 'store/fs/append.js',
    code: 'record.offset !== offset ||',
    instead: 'false ||',
    suite: 'faults',
    test: 'on every walk',
  },
  'the sync before another process’s offset is told': {
    file: 'store/fs/info.js',
    code: 'yield* settle(io, io.directory, path)',
    instead: 'path',
    suite: 'faults',
    test: 'an offset is told once the directory was synced',
  },
  'the question whether what is told from memory was synced': {
    file: 'store/fs/cached-look.js',
    code: 'isOlder(stats, syncedAt())',
    instead: 'true',
    suite: 'faults',
    test: 'an offset is told once the directory was synced',
  },
  'the question whether somebody holds what is told from memory': {
    file: 'store/fs/looks.js',
    code: 'cached.settledInfo(id)',
    instead: 'cached.info(id)',
    suite: 'store',
    test: 'another process holds',
  },
  'a look whether a taken name is the upload’s own': {
    file: 'store/fs/place-file.js',
    code: '!(await isSameFile(from, target))',
    instead: 'true',
    suite: 'faults',
    test: 'without that step is finished after a kill at unlink',
  },
  'the take-over': {
    file: 'upload/holders.js',
    code: 'holder.stop(why);',
    instead: '',
    suite: 'app',
    test: 'take-over by PATCH',
  },
  'holding back what a checksum is to vouch for': {
    file: 'store/fs/append-stream.js',
    code: 'async #checkpoint() {\n        if (this.#request.atomic)\n            return;',
    instead: 'async #checkpoint() {',
    suite: 'faults',
    test: 'kept nothing of it',
  },
  'the wait of a gated upload': {
    file: 'store/upload-notes.js',
    code: 'return !notes.gated && ',
    instead: 'return ',
    suite: 'app',
    test: 'never a false success',
  },
  'the hold of an upload that is judged': {
    file: 'upload/complete.js',
    code: 'await storage.hold?.(sealed.uploadId)',
    instead: 'undefined',
    suite: 'app',
    test: 'told by both',
  },
  'the id of a final upload that follows from its parts': {
    file: 'upload/final-id.js',
    code: 'JSON.stringify([partIds, metadata, attempt])',
    instead: 'JSON.stringify([partIds, metadata, attempt, Math.random()])',
    suite: 'faults',
    test: 'killed at copy_file_range number 1',
  },
  'the limit of a body while it streams': {
    file: 'upload/limits.js',
    code: 'total > maxChunkSize',
    instead: 'false',
    suite: 'conformance',
    test: 'bad-body-over-chunk-size-chunked',
  },
  'names before the spread of a literal': {
    file: 'upload/create.js',
    code: 'told = bytes && { contentLength,',
    instead: 'told = bytes && { ...bytes, contentLength,',
    suite: 'faults',
    test: 'hidden classes are not made anew by creation-with-upload',
  },
}

async function runMutated({ file, code, instead, suite, test }: Mutation): Promise<Run> {
  const copy = await temporaryDirectory()
  for (const name of ['dist', 'src', 'test', 'scripts', 'package.json', 'vitest.config.ts']) {
    await cp(join(PROJECT, name), join(copy, name), { recursive: true })
  }
  await symlink(join(PROJECT, 'node_modules'), join(copy, 'node_modules'))
  const path = join(copy, 'dist', file)
  const text = await readFile(path, 'utf8')
  if (!text.includes(code)) throw new Error(`${file} has no ${code}: the mutation is out of date`)
  await writeFile(path, text.replace(code, instead))
  return run(process.execPath, [VITEST, 'run', '--project', suite, '-t', test], {
    cwd: copy,
    env: { NO_COLOR: '1' },
    mayComplain: true,
  })
}

it.each(Object.entries(MUTATIONS))('without %s a suite fails', async (_what, mutation) => {
  const { code, stdout } = await runMutated(mutation)
  expect(code, stdout).toBe(1)
  expect(stdout).toMatch(/Tests .*failed/)
})

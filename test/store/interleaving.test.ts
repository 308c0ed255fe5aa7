/**
 * What another process does between two system calls of an operation: the operations of the I/O
 * threads, run step by step.
 *
 * @module
 */
import {
  closeSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { appendWhole, lockAppend, openAppend } from '../../dist/store/fs/append.js'
import { claim } from '../../dist/store/fs/claim.js'
import { create } from '../../dist/store/fs/create.js'
import type { Io, Operation } from '../../dist/store/fs/io-call.js'
import { loadPosix } from '../../dist/store/fs/posix.js'
import { temporaryDirectory } from '../serve.ts'

const ID = '6f4f7a52-3f2c-4c6b-9d2b-5f8f1c7f7a11'

function run<T>(operation: Operation<T>): T {
  for (;;) {
    const step = operation.next()
    if (step.done) return step.value
  }
}

/** Two directories with one upload of 100 bytes. */
async function place(): Promise<{ io: Io; completedDir: string }> {
  const root = await temporaryDirectory()
  const [directory, completedDir] = [join(root, 'uploads'), join(root, 'completed')]
  for (const path of [directory, completedDir])
    mkdirSync(join(path, '.tussi/tmp'), { recursive: true })
  let names = 0
  const io: Io = {
    directory,
    fsync: false,
    posix: loadPosix(),
    syncedAt: () => 0,
    temporaryName: () => `${names++}`,
  }
  const upload = { id: ID, length: 100, metadata: {}, serverMetadata: {}, uploadMetadata: '' }
  run(create(io, { upload }))
  return { io, completedDir }
}

/** Runs `between` after a file was opened and before it is locked. */
function interrupted(io: Io, between: () => void): Io {
  const tryLock = (fd: number): boolean => {
    between()
    return io.posix.tryLock(fd)
  }
  return { ...io, posix: { ...io.posix, tryLock } }
}

it('an upload that moves on between open and lock is not written to', async () => {
  const { io, completedDir } = await place()
  const path = join(io.directory, ID)
  const moved = interrupted(io, () => {
    renameSync(path, join(completedDir, ID))
    // Something else has its name by now.
    writeFileSync(path, '')
  })
  const append = appendWhole(moved, {
    id: ID,
    offset: 0,
    pieces: [Buffer.from('late')],
    completedDir,
    seal: false,
  })
  expect(() => run(append)).toThrow(/no upload/)
  expect(readFileSync(join(completedDir, ID)).every((byte) => byte === 0)).toBe(true)
})

it('a completed upload that is saved between open and lock is not claimed', async () => {
  const { io, completedDir } = await place()
  for (const name of [ID, `${ID}.meta`]) {
    renameSync(join(io.directory, name), join(completedDir, name))
  }
  const saved = interrupted(io, () =>
    renameSync(join(completedDir, ID), join(io.directory, 'saved')),
  )
  expect(run(claim(saved, { id: ID, completedDir, counted: false }))).toEqual({ gone: true })
})

it('a writer that another has followed writes no more, though nothing was written since', async () => {
  const { io } = await place()
  // As on a file system that shows no marks.
  const blind: Io = { ...io, posix: { ...io.posix, mark: () => undefined, isMarked: () => false } }
  const open = (): { fd: number; record: Parameters<typeof lockAppend>[1]['record'] } => {
    const opened = run(openAppend(blind, { id: ID, offset: 0, coming: 0 }))
    if ('busy' in opened) throw new Error('busy')
    onTestFinished(() => closeSync(opened.fd))
    blind.posix.unlock(opened.fd)
    return opened
  }
  const [first, second] = [open(), open()]
  expect(() => run(lockAppend(blind, { id: ID, ...first }))).toThrow(/taken over/)
  expect(run(lockAppend(blind, { id: ID, ...second }))).toBe(true)
})

it('a link in the place of an upload is not followed', async () => {
  const { io, completedDir } = await place()
  const victim = join(completedDir, 'victim')
  writeFileSync(victim, 'precious')
  rmSync(join(io.directory, ID))
  symlinkSync(victim, join(io.directory, ID))
  const pieces = [Buffer.from('overwritten')]
  expect(() =>
    run(appendWhole(io, { id: ID, offset: 0, pieces, completedDir, seal: false })),
  ).toThrow(/ELOOP/)
  expect(readFileSync(victim, 'utf8')).toBe('precious')
})

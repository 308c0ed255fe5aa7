/** `npx` runs the files themselves, once it knows where they are: each build has to make them executable. @module */
import { expect, it } from 'vitest'
import { run } from '../run.ts'
import { SERVER, UPLOAD } from './commands.ts'

it.each([SERVER, UPLOAD])('%s can be run without naming Node', async (command) => {
  const { code, stdout } = await run(command, ['--version'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/\d+\.\d+\.\d+/)
})

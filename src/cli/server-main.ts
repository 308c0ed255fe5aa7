#!/usr/bin/env node
import { runCommand } from './run-command.ts'
import { serverCommand } from './server-command.ts'

await runCommand('tussi-server', () => serverCommand(process.argv.slice(2)))

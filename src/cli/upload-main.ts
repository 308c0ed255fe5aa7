#!/usr/bin/env node
import { runCommand } from './run-command.ts'
import { uploadCommand } from './upload-command.ts'

await runCommand('tussi-upload', () => uploadCommand(process.argv.slice(2)))

#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// In JavaScript, alone of all files: with the rest in the compile cache, Node need not load what strips types.

// What Usher writes is for nobody else to read, whatever the folder it is put into.
process.umask(0o077)
// Halves the time to start. Beside the packages, not in the system's folder for temporary files, where others may write.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/usher'))
const { runCli } = await import('./cli/cli.ts')

process.exitCode = await runCli(process.argv.slice(2), process.env)

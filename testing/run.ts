import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { globalSetup, globalTeardown } from './global-setup.ts'
import { IMPORT_HOOK } from './loading.ts'
import { listTestFiles } from './test-files.ts'

/*
 * `npm test`: runs all test files, or those whose names or patterns are given. `node --test` runs files by their names,
 * so that long ones at the end of the alphabet would run alone.
 */

const ROOT = join(import.meta.dirname, '..')

/** Four files on two cores: most of them wait now and then. */
const CONCURRENCY = 4

/** An interrupted run ends its processes, and removes what the global setup made. */
function interruptible(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.exitCode = 1
      controller.abort()
    })
  return controller.signal
}

const patterns = process.argv.slice(2)
const files = patterns.length > 0 ? globSync(patterns) : listTestFiles().map((file) => join(ROOT, file))
if (files.length === 0) throw new Error(`there is no test file ${patterns.join(' ')}`)

const signal = interruptible()
await globalSetup()
const tests = run({
  files,
  concurrency: CONCURRENCY,
  execArgv: ['--import', IMPORT_HOOK],
  signal,
})
let succeeded = false
// The summary of the whole run names no file.
tests.on('test:summary', ({ file, success }) => {
  if (file === undefined) succeeded = success
})
for await (const text of tests.compose(spec)) process.stdout.write(text)
await globalTeardown()
if (!succeeded) process.exitCode = 1

#!/usr/bin/env node
import module from 'node:module'
import { join } from 'node:path'

// The only .js file. Everything else is in the compile cache, so Node need not load the type stripper. And a Node that
// cannot run TypeScript can still print that it is too old.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`usher: Node 24.15 or newer is required, and this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  process.exitCode = await run()
}

async function run() {
  // Only the owner may read the files that Usher makes, whatever the mode of their folder.
  process.umask(0o077)
  // Halves the time to start. The cache is next to the packages: others may write to the system's temporary folder.
  module.enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/usher'))
  // A reader such as `head` may close the pipe early; that is no failure.
  process.stdout.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error
  })
  const { runCli } = await import('./cli/cli.ts')
  return runCli(process.argv.slice(2), process.env, {
    stdout: process.stdout,
    stderr: process.stderr,
    // The handlers stay after the first signal: under npm, Ctrl-C arrives twice, from the terminal and from npm.
    waitForStop: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => resolve(signal))
      }),
  })
}

import { existsSync } from 'node:fs'
import { enableCompileCache } from './compile-cache.js'
import { registerImportHook } from './import-hook.js'

// JavaScript, so that the compile cache and the hook are on before the first TypeScript file is loaded.

/** The sources in a clone. A package has JavaScript in their place: Node strips no types below `node_modules`. */
const CLI = existsSync(new URL('./cli/cli.ts', import.meta.url)) ? './cli/cli.ts' : '../dist/cli/cli.js'

/**
 * Runs the command line on this process: its arguments, environment and output. Sets the exit code.
 * @returns {Promise<void>}
 */
export async function run() {
  // Only the owner may read the files that Usher makes, whatever the mode of their folder.
  process.umask(0o077)
  enableCompileCache(process.env)
  registerImportHook()
  // Each write of the command line handles its own failure. Without a listener, Node would end with a stack trace.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const cli = await loadCli()
  if (!cli) return
  process.exitCode = await cli.runCli(process.argv.slice(2), process.env, {
    stdout: process.stdout,
    stderr: process.stderr,
    // The handlers stay after the first signal: under npm, Ctrl-C arrives twice, from the terminal and from npm.
    waitForStop: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => resolve(signal))
      }),
    exit: (code) => process.exit(code),
  })
}

/** @type {Readonly<Record<string, string>>} What to do about an installation that cannot be loaded, by Node's code. */
const ADVICE = {
  ERR_MODULE_NOT_FOUND: 'Install its packages: run `npm ci` in the folder of Usher.',
  ENOENT: 'A file is missing. Install Usher and its packages again: run `npm ci` in its folder.',
  ERR_UNKNOWN_FILE_EXTENSION:
    'This Node does not run TypeScript. Leave out --no-strip-types, or use Node from nodejs.org.',
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    'Node runs no TypeScript below node_modules. Install the package that `npm pack` makes.',
}

/**
 * Loads the command line. If the installation is incomplete, says so and sets the exit code.
 * @returns {Promise<typeof import('./cli/cli.ts') | undefined>}
 */
async function loadCli() {
  try {
    return await import(CLI)
  } catch (error) {
    const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error)
    if (!(code in ADVICE)) throw error
    process.stderr.write(`usher: the program cannot be loaded: ${message.split('\n')[0]}\n${ADVICE[code]}\n`)
    process.exitCode = 1
    return undefined
  }
}

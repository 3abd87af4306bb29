import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { programEnvironment } from './environment.ts'
import { findUrl } from './usher.ts'

const MAIN = join(import.meta.dirname, '../src/main.js')

/** A run of the real program, in a process of its own, that may fail, hang or be killed. */
export interface Child {
  readonly process: ChildProcess
  /** The URL where it listens; null if it ended before that. */
  readonly url: Promise<string | null>
  /** Its exit code, null if a signal ended it, and its output. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
}

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
  /** The user and group to run as; only root may choose. */
  readonly uid?: number
  /** Shell commands that run first, in the same process: limits, traps. */
  readonly shell?: string
  /** Kills it after this many milliseconds, by default 90,000, so that a hang fails one test and not the whole run. */
  readonly limitMs?: number
}

/** Starts the program with some arguments, by default `serve`, and does not wait for anything. */
export async function startChild(dataDir: string, options: ChildOptions = {}): Promise<Child> {
  const { args = ['serve'], settings = {}, uid, shell, limitMs = 90_000 } = options
  const own = [process.execPath, MAIN, ...args]
  const [command = '', ...rest] = shell ? ['sh', '-c', `${shell}; exec "$0" "$@"`, ...own] : own
  const child = spawn(command, rest, {
    env: await programEnvironment(dataDir, settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid, cwd: '/' }),
  })
  let stdout = ''
  let stderr = ''
  let found: string | undefined
  const { promise: url, resolve: listening } = Promise.withResolvers<string | null>()
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    // Not once more for each line of a long log.
    found ??= findUrl(stderr)
    if (found) listening(found)
  })
  const ended = new Promise<Awaited<Child['ended']>>((resolve) => {
    child.once('close', (code) => {
      clearTimeout(limit)
      listening(null)
      resolve({ code, stdout, stderr })
    })
  })
  return { process: child, url, ended }
}

/**
 * Starts the program as a server, and waits until it listens.
 * @throws {Error} with its standard error if it ends before
 */
export async function startServing(
  dataDir: string,
  options: ChildOptions = {},
): Promise<Child & { readonly at: string }> {
  const child = await startChild(dataDir, options)
  const at = await child.url
  if (at === null) throw new Error(`usher did not start: ${(await child.ended).stderr}`)
  return { ...child, at }
}

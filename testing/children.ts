import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { programEnvironment } from './environment.ts'

const MAIN = join(import.meta.dirname, '../src/main.js')

/** A run of the real program that may fail, hang, or be killed. */
export interface Child {
  readonly process: ChildProcess
  /** Where it listens; null when it has ended without listening. */
  readonly url: Promise<string | null>
  /** Its exit code, null when a signal ended it, and all that it said. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
}

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
  /** The user and group to run as; only root may choose. */
  readonly uid?: number
  /** Shell commands to run before, in the same process: limits, traps. */
  readonly shell?: string
  /** It is killed after this time, so that a hang fails a test instead of stopping all of them. */
  readonly limitMs?: number
}

export async function startChild(dataDir: string, options: ChildOptions = {}): Promise<Child> {
  const { args = ['serve'], settings = {}, uid, shell, limitMs = 30_000 } = options
  const own = [process.execPath, MAIN, ...args]
  const [command = '', ...rest] = shell ? ['sh', '-c', `${shell}; exec "$0" "$@"`, ...own] : own
  const child = spawn(command, rest, {
    env: await programEnvironment(dataDir, settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid, cwd: '/' }),
  })
  let stdout = ''
  let stderr = ''
  const { promise: url, resolve: listening } = Promise.withResolvers<string | null>()
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    const found = /"url":"([^"]+)".*"msg":"listening"/.exec(stderr)?.[1]
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

/** Starts it, and waits until it listens. */
export async function startServing(
  dataDir: string,
  options: ChildOptions = {},
): Promise<Child & { readonly at: string }> {
  const child = await startChild(dataDir, options)
  const at = await child.url
  if (at === null) throw new Error(`usher did not start: ${(await child.ended).stderr}`)
  return { ...child, at }
}

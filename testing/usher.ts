import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engine, programEnvironment } from './environment.ts'
import { copyMigratedFile } from './migrated-stores.ts'

const MAIN = join(import.meta.dirname, '../src/main.js')

/** What `usher init --json` prints. */
export interface Init {
  readonly provider: { readonly id: string; readonly name: string }
  readonly portal: string
  readonly groups: {
    readonly Administrator: string
    readonly Viewer: string
    readonly 'Alert Manager': string
  }
  readonly reseller: { readonly id: string }
  readonly customer: { readonly id: string }
  readonly clients: { readonly administrator: ClientSecret; readonly osis: ClientSecret }
  readonly console: { readonly link: string | null }
}

/** The id and the secret of a client. */
export type ClientSecret = { readonly client_id: string; readonly client_secret: string }

/** How a run of the command line ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export type Settings = Readonly<Record<string, string>>

/** Makes a new, empty directory; `remove` deletes it. */
export function newDataDir(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'usher-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/**
 * Runs one command of the command line to its end, in this process: a process of its own costs most of a second.
 * Never throws for an exit code. A start of the server only ends here if it fails.
 */
export async function runUsher(
  dataDir: string,
  args: readonly string[],
  settings: Settings = {},
): Promise<Ended> {
  const { runCli } = await import('../src/cli/cli.ts')
  const [stdout, stderr] = [newCollector(), newCollector()]
  const code = await runCli(args, await programEnvironment(dataDir, settings), { stdout, stderr })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/**
 * Runs one command that must succeed, in this process, and returns its JSON.
 * @throws {Error} with what the command wrote to standard error
 */
export async function usherJson<T>(
  dataDir: string,
  args: readonly string[],
  settings: Settings = {},
): Promise<T> {
  const { code, stdout, stderr } = await runUsher(dataDir, [...args, '--json'], settings)
  if (code !== 0) throw new Error(`usher ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

/**
 * Sets up a directory as `usher init` does, on a store that a copy makes, and returns what it prints.
 * @throws {Error} with what the command wrote to standard error
 */
export async function initialise(dataDir: string, settings: Settings = {}): Promise<Init> {
  if (engine() === 'sqlite' && !settings.USHER_DATABASE_URL) await copyMigratedFile(join(dataDir, 'usher.db'))
  return usherJson<Init>(dataDir, ['init'], settings)
}

/** Collects what is written to it. */
export function newCollector(): { write(text: string): void; text(): string } {
  let text = ''
  return {
    write: (more) => {
      text += more
    },
    text: () => text,
  }
}

/** A real Usher that serves, in a process of its own. */
export interface Served {
  readonly url: string
  readonly process: ChildProcess
  /** Returns everything in its log so far. */
  log(): string
  /** Returns everything on its standard output so far. */
  stdout(): string
  /** Ends it by a signal, by default SIGTERM; returns its exit code, null if the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const LISTENING = /"url":"([^"]+)".*"msg":"listening"/

/** Returns the URL in a log that says where Usher listens, or undefined before that. */
export function findUrl(log: string): string | undefined {
  return LISTENING.exec(log)?.[1]
}

/**
 * Starts Usher on a free port, in a process of its own, and waits until it listens.
 * @throws {Error} with its log if it ends before
 */
export async function serve(
  dataDir: string,
  options: { args?: readonly string[]; settings?: Settings } = {},
): Promise<Served> {
  const child = spawn(process.execPath, [MAIN, 'serve', ...(options.args ?? [])], {
    env: await programEnvironment(dataDir, options.settings ?? {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [log, stdout] = [newCollector(), newCollector()]
  child.stdout.on('data', stdout.write)
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    let found: string | undefined
    child.stderr.on('data', (chunk) => {
      log.write(chunk)
      // Not once more for each line of a long log.
      found ??= findUrl(log.text())
      if (found) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`usher serve ended with ${code}: ${log.text()}`)))
  })
  return {
    url,
    process: child,
    log: log.text,
    stdout: stdout.text,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Sets up a new directory, and serves it in a process of its own; `end` stops that and deletes the directory. */
export async function serveNew(
  settings: Settings = {},
): Promise<Served & { dataDir: string; init: Init; end(): Promise<void> }> {
  const { path: dataDir, remove } = newDataDir()
  const init = await initialise(dataDir, settings)
  const served = await serve(dataDir, { settings })
  return {
    ...served,
    dataDir,
    init,
    async end() {
      await served.stop()
      remove()
    },
  }
}

/** Returns an access token of a client. */
export async function getToken(url: string, client: ClientSecret): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'api://usher/.default',
    ...client,
  })
  const response = await fetch(`${url}/oauth2/v2.0/token`, { method: 'POST', body })
  if (response.status !== 200) throw new Error(`no token: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { access_token: string }).access_token
}

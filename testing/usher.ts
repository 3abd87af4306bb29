import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programEnvironment } from './environment.ts'

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
  readonly clients: {
    readonly administrator: { readonly client_id: string; readonly client_secret: string }
    readonly osis: { readonly client_id: string; readonly client_secret: string }
  }
}

/** How one run of the command line ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

type Settings = Readonly<Record<string, string>>

/** A new empty directory; `remove` deletes it. */
export function newDataDir(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'usher-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Runs one command to its end. Never throws for an exit code. */
export async function runUsher(
  dataDir: string,
  args: readonly string[],
  settings: Settings = {},
): Promise<Ended> {
  const env = await programEnvironment(dataDir, settings)
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
      env,
      maxBuffer: 64 * 1024 * 1024,
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

/** Runs one command that must succeed, and reads its JSON. */
export async function usherJson<T>(
  dataDir: string,
  args: readonly string[],
  settings: Settings = {},
): Promise<T> {
  const { code, stdout, stderr } = await runUsher(dataDir, [...args, '--json'], settings)
  if (code !== 0) throw new Error(`usher ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

/** A real Usher that serves, in a process of its own. */
export interface Served {
  readonly url: string
  readonly process: ChildProcess
  /** Everything that it has written to its log so far. */
  log(): string
  stdout(): string
  /** Ends it by a signal, SIGTERM unless told otherwise; answers its exit code, null when the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts Usher on a free port, and waits until it says where it listens. */
export async function serve(
  dataDir: string,
  options: { args?: readonly string[]; settings?: Settings } = {},
): Promise<Served> {
  const child = spawn(process.execPath, [MAIN, 'serve', ...(options.args ?? [])], {
    env: await programEnvironment(dataDir, options.settings ?? {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      log += chunk
      const found = /"url":"([^"]+)".*"msg":"listening"/.exec(log)?.[1]
      if (found) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`usher serve ended with ${code}: ${log}`)))
  })
  return {
    url,
    process: child,
    log: () => log,
    stdout: () => stdout,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** A directory that has been set up, and an Usher that serves it. */
export async function serveNew(
  settings: Settings = {},
): Promise<Served & { dataDir: string; init: Init; end(): Promise<void> }> {
  const { path: dataDir, remove } = newDataDir()
  const init = await usherJson<Init>(dataDir, ['init'], settings)
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

/** An access token of a client. */
export async function getToken(
  url: string,
  client: { client_id: string; client_secret: string },
): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'api://usher/.default',
    ...client,
  })
  const response = await fetch(`${url}/oauth2/v2.0/token`, { method: 'POST', body })
  if (response.status !== 200) throw new Error(`no token: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { access_token: string }).access_token
}

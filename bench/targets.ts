import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { getToken, type Init, type Settings, serve } from '../testing/usher.ts'
import { type Endpoint, type Figures, type Load, load } from './generators.ts'
import { runPgbench } from './pgbench.ts'

/** Something that creates users, for so many seconds as hard as it can. */
export interface Target {
  readonly name: string
  load(seconds: number): Promise<Figures>
  /** Stops its processes until `resume`, so that work in the background does not disturb the load of another one. */
  pause(): void
  resume(): void
  stop(): Promise<unknown>
}

/** A target that is reached by HTTP. */
export interface HttpTarget extends Target {
  readonly endpoint: Endpoint
  readonly process: ChildProcess
}

type How = Omit<Load, 'seconds'>

/** Loads users into a directory that has been set up; `args` are further arguments of load-users.ts. */
export async function loadUsers(
  dataDir: string,
  args: readonly string[],
  settings: Settings = {},
): Promise<void> {
  const script = join(import.meta.dirname, 'load-users.ts')
  const env = await programEnvironment(dataDir, settings)
  await promisify(execFile)(process.execPath, [script, ...args], { env })
}

/** Starts the bare server, which gets the very requests that another target gets. */
export async function startBare(like: Endpoint, how: How): Promise<HttpTarget> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (line) => resolve(String(line).trim()))
    child.once('exit', (code) => reject(new Error(`the bare server ended with ${code}`)))
  })
  return newTarget('bare node:http', {
    child,
    endpoint: { ...like, url },
    how,
    stop: async () => child.kill(),
  })
}

/** Starts Usher in a directory that has been set up. */
export async function startUsher(
  name: string,
  { dataDir, init, settings = {} }: { dataDir: string; init: Init; settings?: Settings },
  how: How,
): Promise<HttpTarget> {
  const served = await serve(dataDir, { settings: { ...settings, USHER_LOG_LEVEL: 'info' } })
  const token = await getToken(served.url, init.clients.administrator)
  const endpoint = {
    url: served.url,
    path: `/v1/customer/${init.customer.id}/users`,
    headers: { authorization: `Bearer ${token}`, 'x-tenant': init.portal },
    group: init.groups.Viewer,
  }
  return newTarget(name, { child: served.process, endpoint, how, stop: () => served.stop() })
}

/** Returns pgbench on a database of Usher, with the same rows. */
export function newPgbench(url: string, script: string, connections: number): Target {
  return {
    name: 'pgbench',
    load: (seconds) => runPgbench(url, script, { connections, seconds }),
    pause: () => undefined,
    resume: () => undefined,
    stop: async () => undefined,
  }
}

/** Returns several processes as one target, which share the connections. Its p99 is that of the slowest one. */
export function newGroup(name: string, members: readonly HttpTarget[], how: How): Target {
  const part = { ...how, connections: Math.floor(how.connections / members.length) }
  const highest = (values: readonly (number | null)[]): number => Math.max(...values.map(Number))
  return {
    name,
    async load(seconds) {
      const all = await Promise.all(members.map(({ endpoint }) => load(endpoint, { ...part, seconds })))
      return {
        perSecond: all.reduce((sum, one) => sum + one.perSecond, 0),
        p50: highest(all.map(({ p50 }) => p50)),
        p99: highest(all.map(({ p99 }) => p99)),
        max: highest(all.map(({ max }) => max)),
      }
    },
    pause() {
      for (const one of members) one.pause()
    },
    resume() {
      for (const one of members) one.resume()
    },
    stop: () => Promise.all(members.map((one) => one.stop())),
  }
}

function newTarget(
  name: string,
  given: { child: ChildProcess; endpoint: Endpoint; how: How; stop(): Promise<unknown> },
): HttpTarget {
  const { child, endpoint, how } = given
  return {
    name,
    endpoint,
    process: child,
    load: (seconds) => load(endpoint, { ...how, seconds }),
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    stop() {
      // A process that is stopped would not see that it is to end.
      child.kill('SIGCONT')
      return given.stop()
    },
  }
}

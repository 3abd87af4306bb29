import { programEnvironment } from './environment.ts'
import { newOperator, type Operator } from './operator.ts'
import {
  type Ended,
  findUrl,
  getToken,
  type Init,
  initialise,
  newCollector,
  newDataDir,
  runUsher,
  type Served,
  type Settings,
  serve,
  usherJson,
} from './usher.ts'

/** How a test calls a server: where it is, and whom it knows. */
export interface Reachable {
  readonly url: string
  /** The organizations, groups and clients of the example that a first start makes. */
  readonly init: Init
  /** An access token of the provider's administrator. */
  readonly token: string
}

/** A server that tests call over HTTP. */
export interface Target extends Reachable {
  readonly operator: Operator
  /** Returns everything in the server's log so far. */
  log(): string
}

/** A target of a test's own. */
export interface StartedTarget extends Target {
  readonly dataDir: string
  /** Runs a command that must succeed, in this process; returns its JSON. */
  cli<T = unknown>(...args: string[]): Promise<T>
  /** Runs a command in this process; returns how it ended. */
  run(...args: string[]): Promise<Ended>
  /** Stops the server, and keeps what it stored. */
  stop(): Promise<unknown>
  /** Stops the server, and deletes what it stored. */
  end(): Promise<void>
}

/**
 * Starts a new Usher, set up with the example, in this process: that is ten times as fast as in a process of its own.
 */
export function startTarget(settings: Settings = {}): Promise<StartedTarget> {
  return start(settings, serveHere)
}

/** A target in a process of its own. */
export type ProcessTarget = StartedTarget & Served

/** Starts a new Usher, set up with the example, in a process of its own, for tests that signal or kill it. */
export function startProcess(settings: Settings = {}): Promise<ProcessTarget> {
  return start(settings, (dataDir) => serve(dataDir, { settings }))
}

/** A running Usher, as far as both kinds of target have it. */
interface Running {
  readonly url: string
  /** Returns everything in its log so far. */
  log(): string
  stop(): Promise<unknown>
}

async function start<T extends Running>(
  settings: Settings,
  run: (dataDir: string, settings: Settings) => Promise<T>,
): Promise<StartedTarget & T> {
  const { path: dataDir, remove } = newDataDir()
  const init = await initialise(dataDir, settings)
  const running = await run(dataDir, settings)
  const token = await getToken(running.url, init.clients.administrator)
  return {
    ...running,
    dataDir,
    init,
    token,
    cli: (...args) => usherJson(dataDir, args, settings),
    run: (...args) => runUsher(dataDir, args, settings),
    operator: newOperator({ dataDir, url: running.url, settings }),
    async end() {
      await running.stop()
      remove()
      const undeclared = running.log().match(/.*undeclared status.*/g)
      if (undeclared)
        throw new Error(`a route responded with a status that it does not declare: ${undeclared[0]}`)
    },
  }
}

/**
 * Serves a data directory in this process, as `usher serve` does.
 * @throws {Error} with the log if it ends before it listens
 */
export async function serveHere(dataDir: string, settings: Settings = {}): Promise<Running> {
  const { runCli } = await import('../src/cli/cli.ts')
  const log = newCollector()
  const listening = Promise.withResolvers<string>()
  const stop = Promise.withResolvers<string>()
  const stderr = {
    write(text: string) {
      log.write(text)
      const url = findUrl(text)
      if (url) listening.resolve(url)
    },
  }
  const io = { stdout: newCollector(), stderr, waitForStop: () => stop.promise }
  const ended = runCli(['serve'], await programEnvironment(dataDir, settings), io)
  void ended.then((code) => listening.reject(new Error(`usher serve ended with ${code}: ${log.text()}`)))
  return {
    url: await listening.promise,
    log: log.text,
    stop() {
      stop.resolve('the end of the tests')
      return ended
    },
  }
}

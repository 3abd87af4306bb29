import type { Command } from 'commander'
import { startApp } from '../app.ts'
import { type Config, readConfig } from '../config.ts'
import { operatorContext } from '../directory/context.ts'
import type { Directory } from '../directory/directory.ts'
import { isSetUp, type Setup, setUp } from '../directory/setup.ts'
import { type Logger, newLogger } from '../logger.ts'
import { newMetrics } from '../metrics.ts'
import { DirectoryError } from '../model/error.ts'
import { openDirectory } from '../open-directory.ts'
import { countSharedEmails } from '../store/tables/users.ts'
import { VERSION } from '../version.ts'
import { action, type Io, type Output, print, type Session } from './command.ts'
import { assertStoreInPlace, listFileWarnings } from './data-directory.ts'
import { addSetupOptions, assertSetupOptions, describeFirst, linkOf, type SetupOptions } from './init.ts'
import { isOpen, writeLines } from './output.ts'

/** `usher serve`: the server. */
export function defineServe(serve: Command, session: Session): void {
  serve.addHelpText('after', '\nThe first start on an empty directory sets it up with these options.')
  addSetupOptions(serve)
  serve.option('--no-setup', 'Refuse to start on an empty directory, in place of setting it up')
  serve.option('--no-console', 'Leave out the console')
  serve.action(action(session, (options: ServeOptions) => runServer(session, options)))
}

interface ServeOptions extends SetupOptions {
  readonly json?: true
  readonly setup: boolean
  readonly console: boolean
}

/**
 * How long a stop may take. Then the process ends with whatever is left, and with exit code 1. Docker waits 10 s before
 * it kills.
 */
const STOP_LIMIT_MS = 9_500

/** Runs the server until the session asks it to stop. */
async function runServer({ env, io }: Session, options: ServeOptions): Promise<undefined> {
  const stopped = io.waitForStop?.() ?? new Promise<never>(() => undefined)
  assertSetupOptions(options)
  const config = await readConfig(env)
  const log = await newLogger(config.logLevel, io.stderr)
  const metrics = newMetrics()
  void stopped.then((signal) => limitStop(signal, io, log))
  assertStoreInPlace(config)
  const events = {
    committed: metrics.observeCommit,
    slowed: (err: Error) => log.warn({ err }, 'creates are slower for a while'),
  }
  {
    await using opened = new AsyncDisposableStack()
    const open = await openDirectory(config, { serving: true, create: options.setup, events })
    opened.defer(open.close)
    await warnOfSharedEmails(open.dir, log)
    const app = await startApp({ config, log, metrics, open, console: options.console })
    // It closes the directory too. Closing a directory again does nothing.
    opened.defer(app.close)
    for (const warning of listFileWarnings(config)) log.warn(warning)
    // The set-up comes after the server listens: a failed start must not lose secrets that are shown only once.
    const setup = await setUpFirst(open.dir, options)
    if (setup) await showSetup(io, describeSetup(open.dir, setup, { url: app.url, config }), { options, log })
    // With port 0 the system chooses the port. Print it if the log does not.
    if (config.port === 0 && !log.isLevelEnabled('info')) await writeLines(io.stdout, [`USHER=${app.url}`])
    log.info({ version: VERSION, url: app.url, docs: `${app.url}/docs` }, 'listening')
    await stopped
  }
  log.info('stopped')
}

/** An older version kept addresses apart that are one address now; see decision 22. */
async function warnOfSharedEmails({ store }: Directory, log: Logger): Promise<void> {
  const users = await store.read(countSharedEmails)
  if (users > 0)
    log.warn({ users }, 'users have the e-mail address of an older user; usher migrate lists them')
}

/** Logs that the server stops, and ends the process if the stop takes too long. Later signals change nothing. */
function limitStop(signal: string, { exit }: Io, log: Logger): void {
  log.info({ signal }, 'stopping')
  const end = (): void => {
    log.error({ afterMs: STOP_LIMIT_MS }, 'gave up the stop: the store is not closed in order')
    exit?.(1)
  }
  setTimeout(end, STOP_LIMIT_MS).unref()
}

/**
 * Sets up an empty directory.
 * @returns undefined if the directory is set up already, even if another process did it at the same moment
 */
async function setUpFirst(dir: Directory, options: SetupOptions): Promise<Setup | undefined> {
  if (await isSetUp(dir)) return undefined
  try {
    return await setUp(dir, options)
  } catch (error) {
    if (error instanceof DirectoryError && error.code === 'already_set_up') return undefined
    throw error
  }
}

/** Prints what was set up. Programs that start a server often discard its output, so that is no reason to refuse. */
async function showSetup(
  io: Io,
  output: Output,
  { options, log }: { options: ServeOptions; log: Logger },
): Promise<void> {
  if (!isOpen(io.stdout)) {
    log.warn(
      'standard output is closed: the secrets of the first clients are lost; usher client add makes new clients',
    )
  }
  await print(io, output, { json: options.json === true })
}

function describeSetup(
  dir: Directory,
  setup: Setup,
  { url, config }: { url: string; config: Config },
): Output {
  // The port is known by now, also where the setting is 0.
  const link = linkOf(setup, { ...config, port: Number(new URL(url).port) })
  return describeFirst(setup, { url, link }, async (work) => work({ dir, ctx: await operatorContext(dir) }))
}

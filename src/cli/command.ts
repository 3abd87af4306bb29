import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { operatorContext } from '../directory/context.ts'
import type { Directory } from '../directory/directory.ts'
import { escapeJson } from '../escape.ts'
import type { TextSink } from '../logger.ts'
import type { Context } from '../model/context.ts'
import { openDirectory } from '../open-directory.ts'
import { getPlatform, type Platform, type Platforms } from '../platform/platform.ts'
import { explainError } from './errors.ts'
import { complain, LostSecretError, OutputError, writeLines, writeOutput } from './output.ts'

/** The outside world of a command. */
export interface Io {
  readonly stdout: TextSink
  readonly stderr: TextSink
  /** Resolves with the reason when the server has to stop. Without it the server never stops. */
  readonly waitForStop?: () => Promise<string>
  /** Ends the process at once, with whatever it still does. Without it, a stop that takes too long never ends. */
  readonly exit?: (code: number) => void
  /** Waits for some milliseconds; a timer by default. */
  readonly pause?: (ms: number) => Promise<unknown>
}

/** Returns a signal that aborts when the process is asked to stop. The command then ends in order. */
export function stopSignal({ io }: Session): AbortSignal {
  const stopping = new AbortController()
  void io.waitForStop?.().then(() => stopping.abort())
  return stopping.signal
}

/** One run of the command line. */
export interface Session {
  readonly io: Io
  readonly env: Readonly<Record<string, string | undefined>>
  /** The exit code so far: 1 if a command ran to its end but found a problem, for example a damaged audit log. */
  exitCode: 0 | 1
}

/** The result of a command, for programs and for people. */
export interface Output {
  readonly json: unknown
  /** The text, one member for each line. What a line quotes is escaped when it is printed, line breaks too. */
  readonly lines: readonly string[]
  /** A message for standard error, with or without --json: how to go on after a list that ended early. */
  readonly note?: string | undefined
  /** Set if the output has a secret that is shown only once. */
  readonly secret?: Secret | undefined
  /** True if the command found a problem; it then ends with exit code 1. */
  readonly failed?: boolean
}

/** A secret that is shown only once, and what to do if it could not be shown. */
export interface Secret {
  /** Removes what is useless without the secret. */
  readonly remove: () => Promise<unknown>
  /** What is left, and what to do next. */
  readonly advice: string
}

/** The command line is wrong in a way that commander does not check. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/**
 * Makes the handler of a command. The handler runs the work and prints the result as text, or as JSON with --json.
 * @param work takes what commander passes: the arguments of the command in order, then its options
 */
export function action<A extends unknown[]>(
  session: Session,
  work: (...args: A) => Promise<Output | undefined>,
): (...args: [...A, Command]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command
    const output = await runWork(command, () => work(...(args.slice(0, -1) as A)))
    if (!output) return
    await print(session.io, output, { json: command.opts<{ json?: true }>().json === true })
    if (output.failed) session.exitCode = 1
  }
}

/**
 * Prints the result of a command.
 * @throws {OutputError} if it cannot be written; but a reader that has enough, such as `head`, is no failure
 * @throws {LostSecretError} if it has a secret, whatever the reason
 */
export async function print(io: Io, output: Output, { json }: { readonly json: boolean }): Promise<void> {
  try {
    if (json) await writeOutput(io.stdout, `${escapeJson(JSON.stringify(output.json, null, 2))}\n`)
    else await writeLines(io.stdout, output.lines)
  } catch (error) {
    if (!(error instanceof OutputError)) throw error
    if (output.secret) throw await removeUnusable(output.secret, error)
    if (!error.isClosed) throw error
  }
  if (output.note !== undefined) complain(io.stderr, output.note)
}

async function removeUnusable({ remove, advice }: Secret, cause: OutputError): Promise<LostSecretError> {
  try {
    await remove()
    return new LostSecretError(`${cause.message}; ${advice}`, cause)
  } catch (error) {
    const reason = `what it made could not be removed again: ${explainError(error).join('; ')}`
    return new LostSecretError(`${cause.message}, so its secret is lost, and ${reason}`, cause)
  }
}

async function runWork<T>(command: Command, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // `command.error` prints the message and names the help of this command. Then it throws.
    if (error instanceof UsageError) command.error(`error: ${error.message}`)
    throw error
  }
}

/** An open directory, and the operator's context in it. */
export interface Opened {
  readonly config: Config
  readonly dir: Directory
  readonly ctx: Context
  readonly platforms: Platforms
  /** The directory's main platform. */
  readonly platform: Platform
}

/**
 * Opens the directory of the settings, runs work on it as the operator, and closes it again.
 * @throws {ConfigError} if a setting is wrong
 * @throws {StoreError} if the store does not exist, or cannot be opened
 * @throws {DirectoryError} `organization_not_found` if the directory is not set up; and what the work throws
 */
export async function withDirectory<T>(session: Session, work: (opened: Opened) => Promise<T>): Promise<T> {
  const config = await readConfig(session.env)
  await using opened = new AsyncDisposableStack()
  const { dir, platforms, main, close } = await openDirectory(config, { create: false })
  opened.defer(close)
  return await work({
    config,
    dir,
    ctx: await operatorContext(dir),
    platforms,
    platform: getPlatform(platforms, main),
  })
}

import type { Config } from '../config.ts'
import { operatorContext } from '../directory/context.ts'
import type { Directory } from '../directory/directory.ts'
import type { TextSink } from '../logger.ts'
import type { Context } from '../model/context.ts'
import { type OpenDirectory, openDirectory } from '../open-directory.ts'
import type { Platforms } from '../platform/platform.ts'

/** One command of `usher`: a file of this folder, an entry in the table of `cli.ts`. */
export interface Command {
  /** As it is typed: `user add`. */
  readonly name: string
  readonly summary: string
  /** Words that follow the name, in order; all of them are required. */
  readonly positionals?: readonly string[]
  readonly options?: Readonly<Record<string, Option>>
  run(input: Input, io: Io): Promise<Output | undefined>
}

/** The outside world of a command. */
export interface Io {
  readonly stdout: TextSink
  readonly stderr: TextSink
  /** Resolves with the reason when a command that serves has to stop. Without it such a command never stops. */
  readonly waitForStop?: () => Promise<string>
}

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  readonly required?: boolean
  /** What stands for the value in the help. */
  readonly value?: string
  readonly help: string
}

export interface Input {
  readonly config: Config
  /** The words that followed the command's name, by their names. */
  readonly words: Readonly<Record<string, string>>
  text(option: string): string | undefined
  texts(option: string): readonly string[]
  flag(option: string): boolean
}

/** What a command has to say: the same as JSON and for people. */
export interface Output {
  readonly json: unknown
  readonly text: string
  /** Whether the answer is bad news, for the exit code. */
  readonly failed?: boolean
}

/** The command was typed wrongly. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** Runs work on the directory and its platforms in the operator's name, and closes it again. */
export async function withDirectory<T>(
  config: Config,
  work: (dir: Directory, ctx: Context, platforms: Platforms) => Promise<T>,
): Promise<T> {
  const open: OpenDirectory = await openDirectory(config, { create: false })
  try {
    return await work(open.dir, await operatorContext(open.dir), open.platforms)
  } finally {
    await open.close()
  }
}

/** A required option; the caller has checked that it is there. */
export function required(input: Input, option: string): string {
  const text = input.text(option)
  if (text === undefined) throw new UsageError(`--${option} is required`)
  return text
}

/** @throws {UsageError} unless the option is a whole number from 1 to `max` */
export function count(input: Input, option: string, fallback: number, max: number): number {
  const text = input.text(option)
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new UsageError(`--${option} must be a whole number from 1 to ${max}, not '${text}'`)
  }
  return value
}

/** @throws {UsageError} unless the option is one of the choices */
export function choice<T extends string>(input: Input, option: string, choices: readonly T[]): T | undefined {
  const text = input.text(option)
  const chosen = choices.find((one) => one === text)
  if (text !== undefined && chosen === undefined) {
    throw new UsageError(`--${option} must be one of ${choices.join(', ')}, not '${text}'`)
  }
  return chosen
}

/** Rows as aligned columns, with a heading. */
export function table(headings: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const lines = [headings, ...rows].map((row) => row.map((cell) => cell ?? '-'))
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

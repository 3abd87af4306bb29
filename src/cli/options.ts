import { InvalidArgumentError, Option } from 'commander'

/** The option for the number of entries in a list. Each list adds its default. */
export const LIMIT = ['--limit <number>', 'Maximum number of entries', parseLimit] as const

/** Makes an option that takes one of several words. */
export function newChoice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices)
}

/** The largest value of `--limit`. */
const MAX_LIMIT = 1_000_000

function parseLimit(text: string): number {
  return parseCount(text, MAX_LIMIT)
}

/**
 * Parses the number of an entry, as a list prints it.
 * @throws {InvalidArgumentError}
 */
export function parseNumber(text: string): number {
  return parseCount(text, Number.MAX_SAFE_INTEGER)
}

function parseCount(text: string, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`)
  return value
}

/**
 * Parses a time in ISO 8601 format, such as `2026-11-22` or `2026-11-22T08:00:00Z`.
 * @returns the time in UTC with milliseconds
 * @throws {InvalidArgumentError}
 */
export function parseTime(text: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('It must be a time such as 2026-11-22T08:00:00Z.')
  return time.toISOString()
}

/** The options of a command that replaces a secret: they say when the former one ends. */
export interface RotateOptions {
  readonly until?: string
  readonly now?: true
}

/** Makes the option for the end of a replaced secret. */
export function newUntilOption(description: string): Option {
  const text = `${description}, at most 90 days from now (default: in 24 hours)`
  return new Option('--until <time>', text).argParser(parseTime)
}

/** Makes the option that ends a replaced secret at once. */
export function newNowOption(description: string): Option {
  return new Option('--now', description).conflicts('until')
}

/** Returns until when the replaced secret is accepted: null if `--now` ends it at once; undefined for the default. */
export function toPreviousUntil({ until, now }: RotateOptions): string | null | undefined {
  return now ? null : until
}

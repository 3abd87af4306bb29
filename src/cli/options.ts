import { type Command, InvalidArgumentError, type Option } from 'commander'

/** The largest page that a list prints at once. */
const MAX_LIMIT = 1_000_000

/** The option `--limit` of a list. */
export function limitOption(command: Command, byDefault: number): Option {
  return command
    .createOption('--limit <number>', 'Maximum number of entries')
    .argParser((text) => parseCount(text, MAX_LIMIT))
    .default(byDefault)
}

/** An option for the number of an entry, as a list prints it. */
export function numberOption(command: Command, flags: string, description: string): Option {
  return command
    .createOption(flags, description)
    .argParser((text) => parseCount(text, Number.MAX_SAFE_INTEGER))
}

/** An option that takes one of several words. */
export function choiceOption(
  command: Command,
  [flags, description]: readonly [flags: string, description: string],
  choices: readonly string[],
): Option {
  return command.createOption(flags, description).choices(choices)
}

function parseCount(text: string, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`)
  return value
}

/**
 * Parses a time by ISO 8601, such as `2026-11-22` or `2026-11-22T08:00:00Z`.
 * @returns the time in UTC with milliseconds
 * @throws {InvalidArgumentError}
 */
export function parseTime(text: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('It must be a time such as 2026-11-22T08:00:00Z.')
  return time.toISOString()
}

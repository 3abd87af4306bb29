import type { Folders } from '../directories.ts'
import { type Generator, isInstalled } from '../generators.ts'

/** One line of the table. */
export interface Line {
  readonly what: string
  /** With its unit. */
  readonly measured: string
  /** Empty for a figure without a bar. */
  readonly bar: string
  /** Null for a figure without a bar. */
  readonly isMet: boolean | null
  /** What was loaded, how, and the figures behind the one that counts. */
  readonly how: string
}

/** How long everything is measured. Times are in seconds. */
export interface Scale {
  readonly rounds: number
  readonly seconds: number
  readonly warmUp: number
  /** The users of the small and of the large directory, and those of the customer that is deleted. */
  readonly users: { readonly small: number; readonly large: number; readonly deleted: number }
  readonly checkpoints: number
  readonly osis: { readonly rounds: number; readonly seconds: number; readonly warmUp: number }
  readonly starts: number
  /** When the memory of a server is read after its first response. */
  readonly rests: readonly number[]
}

/** What a row of the table gets. */
export interface Bench extends Folders {
  readonly scale: Scale
  readonly generator: Generator
  readonly connections: number
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal
  report(line: Line): void
}

/** One bench of the table. It throws `Unavailable` where the machine lacks something. */
export type Row = (bench: Bench) => Promise<void>

/** The machine lacks something that a bench needs; the message names it. */
export class Unavailable extends Error {}

/** @throws {Unavailable} if one of the programs is not installed */
export function assertInstalled(...programs: readonly string[]): void {
  for (const program of programs)
    if (!isInstalled(program)) throw new Unavailable(`${program} is not installed`)
}

/** @throws {Unavailable} if the generator of the load is not installed */
export function assertGenerator({ generator }: Bench): void {
  if (generator === 'wrk') assertInstalled('wrk')
}

/** Returns a line whose value must be at most its bar, or at least. */
export function toLine(
  what: string,
  value: number,
  given: { measured: string; atMost?: number; atLeast?: number; unit?: string; how: string },
): Line {
  const { atMost, atLeast, unit = '', measured, how } = given
  const bar = atMost === undefined ? `≥ ${atLeast}${unit}` : `≤ ${atMost}${unit}`
  // A round without a single create.
  if (!Number.isFinite(value)) return { what, measured: 'nothing', bar, isMet: false, how }
  return { what, measured, bar, isMet: atMost === undefined ? value >= (atLeast ?? 0) : value <= atMost, how }
}

/** Returns a time in ms as text. */
export function toMs(ms: number | null, digits = 1): string {
  return ms === null ? '–' : `${ms.toFixed(digits)} ms`
}

/** Returns a rate as text, without a unit: `13,166`. */
export function toRate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en-US')
}

/** Says how creates were loaded. */
export function describeLoad({ generator, connections, scale }: Bench): string {
  return `${generator}, ${connections} connections, ${scale.rounds} rounds of ${scale.seconds} s in turn`
}

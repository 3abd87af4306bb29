import type { Figures } from './generators.ts'
import { median } from './quantiles.ts'
import type { Target } from './targets.ts'

export interface Rounds {
  readonly rounds: number
  readonly seconds: number
  /** The seconds of load before the first round. */
  readonly warmUp: number
  readonly signal?: AbortSignal
}

/**
 * Loads targets in turn, A B A B, so that whatever else the machine does meets all. While one is loaded, the processes of
 * the others are stopped: what they do in the background would take the processor from it.
 * @returns for each target the figures of its rounds
 */
export async function loadInTurn(
  targets: readonly Target[],
  { rounds, seconds, warmUp, signal }: Rounds,
): Promise<Figures[][]> {
  const figures = targets.map((): Figures[] => [])
  for (const one of targets) one.pause()
  try {
    for (let round = -1; round < rounds; round++) {
      for (const [i, target] of targets.entries()) {
        signal?.throwIfAborted()
        target.resume()
        const measured = await target.load(round < 0 ? warmUp : seconds)
        target.pause()
        if (round >= 0) figures[i]?.push(measured)
      }
    }
  } finally {
    for (const one of targets) one.resume()
  }
  return figures
}

/** Returns the ratios of two targets, one for each round. */
export function ratiosOf(above: readonly Figures[], below: readonly Figures[]): number[] {
  return above.map(({ perSecond }, i) => perSecond / (below[i]?.perSecond ?? Number.NaN))
}

/** Returns the medians of rounds; null where a figure was not measured. */
export function mediansOf(rounds: readonly Figures[]): Figures {
  const of = (member: 'p50' | 'p99' | 'max'): number | null => {
    const values = rounds.map((one) => one[member])
    return values.includes(null) ? null : median(values.map(Number))
  }
  return {
    perSecond: median(rounds.map((one) => one.perSecond)),
    p50: of('p50'),
    p99: of('p99'),
    max: of('max'),
  }
}

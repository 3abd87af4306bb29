import { setTimeout as pause } from 'node:timers/promises'

/** What `decide` gets after a failed try. */
export interface FailedTry {
  readonly error: unknown
  /** The number of tries so far, this one included. */
  readonly tries: number
  /** Milliseconds since the first try began. */
  readonly elapsedMs: number
}

/**
 * Runs work until it succeeds.
 * @param decide returns the milliseconds to wait before the next try, or throws to give up
 * @param signal ends a pause early; the next try then starts at once
 * @throws what `decide` throws
 */
export async function retry<T>(
  work: () => Promise<T>,
  decide: (failed: FailedTry) => number,
  signal?: AbortSignal,
): Promise<T> {
  const beganAt = performance.now()
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const pauseMs = decide({ error, tries, elapsedMs: performance.now() - beganAt })
      await pause(pauseMs, undefined, signal && { signal }).catch(() => undefined)
    }
  }
}

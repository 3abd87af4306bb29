const FIRST_PAUSE_MS = 1_000

/**
 * Returns the pause before the next try of something that keeps failing: 1 s after the first failure, then twice as long
 * after each further one, with jitter.
 * @param failures how often it has failed in a row; 0 counts as 1
 * @param maxMs the longest pause, before the jitter
 */
export function growPause(failures: number, maxMs: number): number {
  return addJitter(Math.min(FIRST_PAUSE_MS * 2 ** (Math.max(failures, 1) - 1), maxMs))
}

/** Adds up to 10 % either way, so that what failed together is not tried again together. */
export function addJitter(ms: number): number {
  return ms * (0.9 + Math.random() * 0.2)
}

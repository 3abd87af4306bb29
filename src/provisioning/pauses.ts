import type { Failures } from '../store/accounts/accounts.ts'

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** Half an hour of failures while the platform is well: long enough for what passes by itself. */
const MOST_OWN_FAILURES = 15
const PARKED_PAUSE_MS = 60 * 60_000

/**
 * When a failed attempt is followed by the next one, and whether the account is parked. It is parked for failures of
 * its own alone: after an outage of the platform, however long, none is. Parked accounts are tried on, but rarely.
 * @param failures with the attempt that has just failed counted in
 */
export function planAttempt({ attempts, ownFailures, parkedAt }: Failures): {
  pauseMs: number
  parked: boolean
} {
  const parked = parkedAt !== null || ownFailures >= MOST_OWN_FAILURES
  // The first pause also follows an attempt that ended after something else had been wanted.
  const doublings = Math.max(attempts, 1) - 1
  const pauseMs = parked ? PARKED_PAUSE_MS : Math.min(FIRST_PAUSE_MS * 2 ** doublings, LONGEST_PAUSE_MS)
  return { pauseMs: spread(pauseMs), parked }
}

/** A random fifth keeps accounts that failed together from returning together. */
function spread(ms: number): number {
  return ms * (0.9 + Math.random() * 0.2)
}

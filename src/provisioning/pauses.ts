import { addJitter, growPause } from '../backoff.ts'
import type { Failures } from '../store/accounts/leases.ts'

const MAX_PAUSE_MS = 5 * 60_000
/** Takes about half an hour on a healthy platform: enough for faults that pass by themselves. */
const MAX_OWN_FAILURES = 15
const PARKED_PAUSE_MS = 60 * 60_000

/**
 * Decides when to try again after a failed attempt. An account is parked (tried only once an hour) if it kept failing
 * while the platform was healthy; an outage of the platform never parks it.
 * @param failures the counts of failed attempts, including the last one
 */
export function planAttempt({ attempts, ownFailures, parkedAt }: Failures): {
  pauseMs: number
  parked: boolean
} {
  const parked = parkedAt !== null || ownFailures >= MAX_OWN_FAILURES
  // The count is 0 if the desired state changed while the attempt ran.
  return { pauseMs: parked ? addJitter(PARKED_PAUSE_MS) : growPause(attempts, MAX_PAUSE_MS), parked }
}

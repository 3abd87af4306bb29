/** How many accounts are not applied, and since when the oldest of them has been wanted (ISO 8601; null when there is none). */
export interface Backlog {
  /** No attempt has failed yet. */
  readonly waiting: number
  /** The last attempt failed; the next one follows within minutes. */
  readonly failing: number
  /** Failed so often, while the platform was well, that somebody has to look; tried rarely meanwhile. */
  readonly parked: number
  readonly oldest: string | null
}

export const FAILURE_STATES = ['failing', 'parked'] as const
export type FailureState = (typeof FAILURE_STATES)[number]

/** An account whose last attempt failed. */
export interface AccountFailure {
  /** Pages go on after it. */
  readonly number: number
  readonly userId: string
  readonly tenantId: string
  readonly state: FailureState
  /** Since something else was wanted, or somebody asked for a retry. */
  readonly attempts: number
  readonly error: string
  /** When the next attempt is due, ISO 8601. */
  readonly dueAt: string
}

/** The accounts that are not applied. */
export interface Backlog {
  /** How many have had no failed attempt yet. */
  readonly waiting: number
  /** How many had a failed attempt last. The next attempt follows within minutes. */
  readonly failing: number
  /** How many failed so often on a healthy platform that the operator has to look. They are tried rarely. */
  readonly parked: number
  /** When the oldest of them was last changed, ISO 8601; null for none. */
  readonly oldest: string | null
}

export const FAILURE_STATES = ['failing', 'parked'] as const
export type FailureState = (typeof FAILURE_STATES)[number]

/** An account whose last attempt failed. */
export interface AccountFailure {
  /** Its place in the list; the next page starts after it. */
  readonly number: number
  readonly userId: string
  readonly tenantId: string
  readonly state: FailureState
  /** Attempts since the last change or the last retry by the operator. */
  readonly attempts: number
  readonly error: string
  /** When the next attempt is due, ISO 8601. */
  readonly dueAt: string
}

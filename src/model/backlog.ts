/** The accounts that are not applied. */
export interface Backlog {
  /** The number of accounts that have had no failed attempt yet. */
  readonly waiting: number
  /** The number of accounts whose last attempt failed. The next attempt follows within minutes. */
  readonly failing: number
  /**
   * The number of parked accounts: they failed so often on a healthy platform that they are only tried once an hour.
   */
  readonly parked: number
  /** When the desired state of the oldest of them last changed, ISO 8601; null if there are none. */
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
  /** Attempts since the desired state last changed or was applied, or since the operator's last retry. */
  readonly attempts: number
  readonly error: string
  /** When the next attempt is due, ISO 8601. */
  readonly dueAt: string
}

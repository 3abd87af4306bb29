import type { Cause } from './causes.ts'

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

/** The states of an account that is not applied: no failed attempt yet, a failed one, or parked. */
export const UNAPPLIED_STATES = ['waiting', 'failing', 'parked'] as const
export type UnappliedState = (typeof UNAPPLIED_STATES)[number]

/** An account that is not applied, with the names of what it belongs to. */
export interface UnappliedAccount {
  readonly user: {
    readonly id: string
    readonly firstName: string | null
    readonly lastName: string | null
    readonly email: string | null
  }
  readonly organization: { readonly id: string; readonly name: string; readonly kind: 'customer' }
  readonly tenant: { readonly id: string; readonly name: string }
  readonly platform: string
  readonly canonicalUserId: string
  readonly state: UnappliedState
  /** Whether the account is to be removed. */
  readonly isRemoval: boolean
  /** Null while it waits. */
  readonly cause: Cause | null
  readonly error: string | null
  /** Attempts since the desired state last changed or was applied, or since the last retry. */
  readonly attempts: number
  /** When the desired state last changed, and when the next attempt is due, ISO 8601. */
  readonly changedAt: string
  readonly dueAt: string
}

/** The failing and parked accounts with one cause. */
export interface CauseCount {
  readonly cause: Cause
  /** How many there are. */
  readonly count: number
  /** Whether there are more than `count`: they are counted up to a limit. `parked` and `oldest` are of those counted. */
  readonly more: boolean
  readonly parked: number
  /** When the desired state of the oldest of them last changed, ISO 8601. */
  readonly oldest: string
  /** The error of one of them. */
  readonly error: string
}

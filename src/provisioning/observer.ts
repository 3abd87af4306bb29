import type { KeptOutcome } from '../model/attempts.ts'
import type { LeaseTerms } from '../store/accounts/leases.ts'
import type { DirectoryPlatforms } from './desired.ts'

/**
 * How an attempt ended: `late` if the platform did not respond in time, `data_left` if a removal was cancelled because
 * the account owns data, `stopped` if Usher was stopped meanwhile.
 */
export type AttemptOutcome = KeptOutcome | 'stopped'

/** Receives what the operator should know about attempts. */
export interface Observer {
  readonly log: {
    debug(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  observeAttempt(outcome: AttemptOutcome, seconds: number): void
}

/** What an attempt needs. */
export interface AttemptDeps extends DirectoryPlatforms {
  readonly observer: Observer
  readonly leaseTerms: LeaseTerms
  readonly stopping: AbortSignal
  /** Names this process in the kept attempts. */
  readonly node: string
}

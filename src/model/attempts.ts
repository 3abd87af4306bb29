import type { Cause } from './causes.ts'

/**
 * How a kept attempt to apply an account ended: `late` if the platform did not respond in time, `data_left` if a removal
 * was cancelled because the account owns data. A success is kept only if it ends failures.
 */
export const KEPT_OUTCOMES = ['applied', 'failed', 'late', 'data_left'] as const
export type KeptOutcome = (typeof KEPT_OUTCOMES)[number]

/** One attempt to bring a platform to the desired state of an account, or several equal ones in a row. */
export interface Attempt {
  /** Its place in the list: later attempts have higher numbers. */
  readonly number: number
  readonly platform: string
  /** When the first and the last of the equal attempts ended, ISO 8601. */
  readonly firstAt: string
  readonly lastAt: string
  readonly count: number
  readonly outcome: KeptOutcome
  /** Null for a success. */
  readonly cause: Cause | null
  /** What went wrong, for operators: it may name parts of the platform. Null for a success. */
  readonly error: string | null
  /** The desired version that was to be applied. */
  readonly version: number
  /** When this version was wanted, ISO 8601: the time of the audit entry of the change. */
  readonly changedAt: string
  /** The process that made the last of the attempts: the name of its host, and its number there. */
  readonly node: string
  /** How long the last of the attempts took, in milliseconds. */
  readonly ms: number
}

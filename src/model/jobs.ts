import type { Operation } from './audit.ts'
import type { CallerName } from './context.ts'

/**
 * The states of a job. `waiting` jobs are run by the next process that is free; a `stopped` or `failed` job runs again
 * once it is resumed; `succeeded` is final.
 */
export const JOB_STATES = ['waiting', 'running', 'stopped', 'succeeded', 'failed'] as const
export type JobState = (typeof JOB_STATES)[number]

/** Long work that is kept as a row, so that it survives the process that runs it. Times are ISO 8601, UTC. */
export interface Job {
  readonly pk: number
  readonly id: string
  /** The operation that the job carries out, for example `DeleteCustomer`. */
  readonly kind: Operation
  readonly state: JobState
  /** The id of the organization in whose context the job was begun. */
  readonly organizationId: string
  /** The id of the thing that the job is about; null if it is about several. */
  readonly target: string | null
  readonly caller: CallerName
  readonly correlationId: string
  /** How many items are done, and how many there are; the total is null while it is not known. */
  readonly done: number
  readonly total: number | null
  /** What the job returns when it has succeeded: a JSON value; null before. */
  readonly result: unknown
  /** Why the last step failed; null if it did not. */
  readonly error: string | null
  readonly createdAt: string
  /** When its first step began; null before. */
  readonly startedAt: string | null
  /** When it succeeded or failed; null before. */
  readonly endedAt: string | null
}

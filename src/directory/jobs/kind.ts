import type { Operation } from '../../model/audit.ts'
import type { Directory } from '../directory.ts'
import type { Unit } from '../unit.ts'

/** What a step gets. `Cursor` is what the step before left; null for the first step. */
export interface JobState<Input, Cursor> {
  readonly id: string
  readonly input: Input
  readonly cursor: Cursor | null
  readonly target: string | null
  readonly done: number
  readonly total: number | null
}

/** What a step leaves: where the next one begins, or the result of the job. */
export type StepResult<Cursor> = NextStep<Cursor> | LastStep

/** The job goes on. */
export interface NextStep<Cursor> {
  /** A JSON value from which the next step goes on. */
  readonly cursor: Cursor
  /** How many items are done in all; as before when left out. */
  readonly done?: number
  /** How many items there are; as before when left out. */
  readonly total?: number
  /** How long the next step must wait, in milliseconds, for example for a platform; not at all when left out. */
  readonly waitMs?: number
}

/** The job has succeeded. */
export interface LastStep {
  /** A JSON value that callers get with the job. It must hold no secret and no personal data. */
  readonly result: unknown
  readonly done?: number
}

/**
 * A kind of job. Each step is one unit: its work, its audit entries and its cursor are one commit. So a killed process
 * leaves whole steps, and the next process goes on after the last one. A step should take a few milliseconds, because
 * other units wait for it on SQLite.
 */
export interface JobKind<Input, Cursor, Prepared = undefined> {
  /** The operation that the job carries out. It names the kind, and the audit entries of the job. */
  readonly operation: Operation
  /**
   * Gets what the next step needs from outside of the store, such as lines of a file. It may run several times for one
   * step.
   * @param stopping aborts when the process stops
   */
  readonly prepare?: (
    dir: Directory,
    job: JobState<Input, Cursor>,
    stopping: AbortSignal,
  ) => Promise<Prepared>
  /**
   * Does the next part of the work. It may run several times, so it must only query.
   * @param unit acts for the caller who began the job, with the same correlation id
   * @throws {DirectoryError} ends the job as failed, unless it is `store_unavailable`; the step is undone
   * @throws {Error} any other: the step is undone and repeated later, several times at most
   */
  readonly step: (unit: Unit, job: JobState<Input, Cursor>, prepared: Prepared) => Promise<StepResult<Cursor>>
}

/** A kind of job whose types do not matter to those who only run it. */
// biome-ignore lint/suspicious/noExplicitAny: the input and the cursor of a kind are known to the kind alone
export type AnyJobKind = JobKind<any, any, any>

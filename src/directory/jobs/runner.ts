import { setTimeout as pause } from 'node:timers/promises'
import { growPause } from '../../backoff.ts'
import { type Loop, startLoop } from '../../loop.ts'
import type { Caller, Context, Permission } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import { newId } from '../../model/ids.ts'
import type { Job } from '../../model/jobs.ts'
import { newLease } from '../../store/accounts/leases.ts'
import { ConstraintError, type Tx } from '../../store/port.ts'
import {
  type ClaimedJob,
  COMMAND,
  claimJob,
  type JobClaim,
  markJobEnded,
  releaseJob,
  selectClaimedJob,
  selectDueJobs,
  updateJobStep,
} from '../../store/tables/job-leases.ts'
import { selectOrganizationByPk } from '../../store/tables/organizations.ts'
import type { Directory } from '../directory.ts'
import { newUnit, read, write } from '../unit.ts'
import type { AnyJobKind, JobState, StepResult } from './kind.ts'

/** The pause between two looks for jobs that are due. */
const POLL_MS = 500
/** How many jobs one process runs at the same time. */
const CONCURRENCY = 4
/** How long a process may take for one step before another process takes its job over. */
const LEASE_MS = 30_000
/** How long a job runs before other jobs that wait get their turn. */
const TURN_MS = 5_000
/** The longest rest after a step. */
const MAX_REST_MS = 100
/** A job fails when its steps have failed so often in a row. */
const MAX_ATTEMPTS = 8
/** A job fails when so many processes in a row have begun a step and none has ended it: it may be what ends them. */
const MAX_CLAIMS = 2 * MAX_ATTEMPTS
/** How often a step is repeated at once after a unique index refused one of its rows. */
const MAX_RACES = 3
/** The longest pause after steps that failed. */
const MAX_PAUSE_MS = 60_000

/** What the runner reports. */
export interface JobLog {
  error(fields: object, message: string): void
}

/** How a turn of a job ended. `lost`: the job was stopped, or another process runs it. */
type TurnOutcome = 'ended' | 'waits' | 'lost' | 'paused'

/** Runs jobs, one step after another. Several processes may run jobs of one store; each job is run by one of them. */
export class JobRunner {
  readonly #dir: Directory
  readonly #kinds: ReadonlyMap<string, AnyJobKind>
  readonly #log: JobLog
  /** Names the process in leases. */
  #by = `${COMMAND}${newId()}`
  readonly #stopping = new AbortController()
  readonly #running = new Map<number, Promise<unknown>>()
  #loop: Loop | undefined

  /** @param kinds the kinds of jobs that this process can run; it leaves the others alone */
  constructor(dir: Directory, kinds: readonly AnyJobKind[], log: JobLog) {
    this.#dir = dir
    this.#kinds = new Map(kinds.map((kind) => [kind.operation, kind]))
    this.#log = log
  }

  /** Starts the background loop, which runs all jobs that are due, including those from before a restart. */
  start(): void {
    this.#by = newId()
    this.#loop = startLoop({ name: 'running jobs', everyMs: POLL_MS, log: this.#log }, async () => {
      while ((await this.#startDue()) > 0) await Promise.race(this.#running.values())
    })
  }

  /** Waits for the steps that run. The jobs go on at once in another process, or after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop?.stop()
    await Promise.allSettled(this.#running.values())
  }

  /** Runs jobs until none is due. For tests, which must not sleep. */
  async drain(): Promise<void> {
    while ((await this.#startDue()) > 0) await Promise.allSettled(this.#running.values())
  }

  /**
   * Runs one job now, without rests, for a command that waits for it.
   * @param options.stopping leaves the job after the running step; it stays `waiting`
   * @param options.report is called after each step
   * @returns how it went: `lost` if it was stopped, or another process runs it; `waits` if its next step is not due yet
   * @throws what a step throws, with the job released
   */
  async run(
    pk: number,
    { stopping, report }: { stopping: AbortSignal; report: (job: Progress) => void },
  ): Promise<TurnOutcome> {
    if (!(await this.#claim(pk))) return 'lost'
    const signal = AbortSignal.any([stopping, this.#stopping.signal])
    return this.#takeTurn(pk, { signal, report })
  }

  /** Starts the turns of jobs that are due. Returns how many turns run. */
  async #startDue(): Promise<number> {
    if (this.#stopping.signal.aborted) return 0
    const free = CONCURRENCY - this.#running.size
    if (free <= 0) return this.#running.size
    const due = {
      now: this.#dir.now().toISOString(),
      by: this.#by,
      kinds: [...this.#kinds.keys()],
      limit: free,
    }
    for (const { pk } of await read(this.#dir, (tx) => selectDueJobs(tx, due))) {
      if (this.#running.has(pk) || !(await this.#claim(pk))) continue
      const turn = this.#runTurn(pk).finally(() => this.#running.delete(pk))
      this.#running.set(pk, turn)
    }
    return this.#running.size
  }

  #claim(pk: number): Promise<boolean> {
    return write(this.#dir, (tx) => claimJob(tx, pk, this.#newLease()))
  }

  #newLease() {
    return newLease({ by: this.#by, ms: LEASE_MS }, this.#dir.now())
  }

  /** Runs a job for a while, and rests after each step, so that requests come first. Never throws. */
  async #runTurn(pk: number): Promise<void> {
    try {
      await this.#takeTurn(pk, { signal: this.#stopping.signal, turnMs: TURN_MS, rests: true })
    } catch (error) {
      this.#log.error({ err: error, job: pk }, 'a step of a job failed')
      // The time of the next try may not be stored then.
      if (error instanceof DirectoryError)
        await pause(POLL_MS, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined)
    }
  }

  async #takeTurn(pk: number, options: TurnOptions): Promise<TurnOutcome> {
    const { signal, turnMs = Number.POSITIVE_INFINITY, rests = false, report } = options
    const beganAt = performance.now()
    while (!signal.aborted && performance.now() - beganAt < turnMs) {
      const steppedAt = performance.now()
      const outcome = await this.#step(pk, signal)
      if (outcome === 'ended' || outcome === 'waits' || outcome === 'lost') return outcome
      report?.(outcome)
      const restMs = rests ? Math.min(performance.now() - steppedAt, MAX_REST_MS) : 0
      if (restMs > 0) await pause(restMs, undefined, { signal }).catch(() => undefined)
    }
    await this.#release(pk, 0, null)
    return 'paused'
  }

  /** Runs one step. A failure is stored with the job, and thrown unless it ends the job. */
  async #step(pk: number, signal: AbortSignal): Promise<'ended' | 'waits' | 'lost' | Progress> {
    const claimed = { pk, by: this.#by }
    const found = await read(this.#dir, (tx) => selectClaimedJob(tx, claimed))
    const kind = found && this.#kinds.get(found.job.kind)
    if (!found || !kind) return 'lost'
    try {
      if (found.attempts > MAX_CLAIMS) throw new DirectoryError('job_ended', ABANDONED)
      const prepared = await kind.prepare?.(this.#dir, toState(found), signal)
      return await repeatRaces(() =>
        write(this.#dir, (tx) => this.#commitStep(tx, kind, { claimed, prepared })),
      )
    } catch (error) {
      // The step was not stored, and runs again after the next start.
      if (signal.aborted) return found.job
      return this.#fail(found, error)
    }
  }

  /** Runs a step and stores what it leaves, in one unit. */
  async #commitStep(
    tx: Tx,
    kind: AnyJobKind,
    { claimed, prepared }: { claimed: JobClaim; prepared: unknown },
  ): Promise<'ended' | 'waits' | 'lost' | Progress> {
    const found = await selectClaimedJob(tx, claimed)
    if (!found) return 'lost'
    const { job } = found
    const ctx = await toContext(tx, found)
    const unit = newUnit(this.#dir, ctx, { operation: job.kind, target: job.target }, tx)
    const result: StepResult<unknown> = await kind.step(unit, toState(found), prepared)
    const done = result.done ?? job.done
    if ('result' in result) {
      const end = { state: 'succeeded', done, total: job.total, error: null, now: unit.now } as const
      await markJobEnded(tx, claimed, { ...end, result: JSON.stringify(result.result ?? null) })
      return 'ended'
    }
    const total = result.total ?? job.total
    const step = { cursor: JSON.stringify(result.cursor), done, total, until: this.#newLease().until }
    await updateJobStep(tx, claimed, step)
    if (!result.waitMs) return { done, total }
    await releaseJob(tx, claimed, { dueAt: this.#after(result.waitMs), error: null })
    return 'waits'
  }

  /**
   * Stores why a step failed.
   * @returns `ended` if the job has failed
   * @throws the error, if the job is tried again
   */
  async #fail({ job, attempts }: ClaimedJob, error: unknown): Promise<'ended'> {
    const isRefusal = error instanceof DirectoryError && error.code !== 'store_unavailable'
    const isOver = isRefusal || (attempts >= MAX_ATTEMPTS && !(error instanceof DirectoryError))
    if (!isOver) {
      const text = error instanceof DirectoryError ? error.message : UNEXPECTED
      await this.#release(job.pk, growPause(attempts, MAX_PAUSE_MS), text)
      throw error
    }
    this.#log.error({ err: error, job: job.id }, 'a job failed')
    const { done, total, pk } = job
    const now = this.#dir.now().toISOString()
    const end = { state: 'failed', done, total, result: null, now } as const
    const text = isRefusal ? error.message : UNEXPECTED
    await write(this.#dir, (tx) => markJobEnded(tx, { pk, by: this.#by }, { ...end, error: text }))
    return 'ended'
  }

  #release(pk: number, pauseMs: number, error: string | null): Promise<void> {
    const next = { dueAt: this.#after(pauseMs), error }
    return write(this.#dir, (tx) => releaseJob(tx, { pk, by: this.#by }, next))
  }

  #after(ms: number): string {
    return new Date(this.#dir.now().getTime() + ms).toISOString()
  }
}

/** The items of a job that are done, and all of them if their number is known. */
export type Progress = Pick<Job, 'done' | 'total'>

interface TurnOptions {
  readonly signal: AbortSignal
  readonly turnMs?: number
  readonly rests?: boolean
  readonly report?: (job: Progress) => void
}

/** Repeats a step that another unit got in the way of: its next try finds the row of the other unit. */
async function repeatRaces<T>(step: () => Promise<T>): Promise<T> {
  for (let races = 0; ; races++) {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof ConstraintError) || races >= MAX_RACES) throw error
    }
  }
}

/** What callers read about an error of the program itself; the server's log has the details. */
const UNEXPECTED = 'An unexpected error; the log of the server has the details.'

const ABANDONED =
  'The processes that ran the job ended in the middle of the same step, several times in a row.'

function toState({ job, input, cursor }: ClaimedJob): JobState<unknown, unknown> {
  const { id, target, done, total } = job
  return { id, input, cursor, target, done, total }
}

/**
 * Returns the context of the caller who began a job.
 * @throws {DirectoryError} `organization_not_found` if the organization of the job was deleted
 */
async function toContext(tx: Tx, { job, organizationPk, ...begun }: ClaimedJob): Promise<Context> {
  const organization = await selectOrganizationByPk(tx, organizationPk)
  // SQLite gives the primary key of a deleted row to a new one.
  if (organization?.id !== job.organizationId)
    throw new DirectoryError('organization_not_found', 'The organization that began the job was deleted.')
  const { caller } = job
  return {
    caller: (caller.kind === 'client' ? { ...caller, pk: begun.callerPk ?? 0 } : caller) as Caller,
    organization,
    permission: begun.permission as Permission,
    portal: begun.portal,
    correlationId: job.correlationId,
    address: begun.address,
  }
}

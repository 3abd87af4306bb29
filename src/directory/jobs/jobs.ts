import { diff } from '../../model/audit.ts'
import type { Context } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import { foldId, newId } from '../../model/ids.ts'
import type { Job } from '../../model/jobs.ts'
import { DAY_MS } from '../../model/times.ts'
import { formatCaller } from '../../store/audit/entry-rows.ts'
import type { Tx } from '../../store/port.ts'
import {
  deleteEndedJobs,
  insertJob,
  type JobFilter,
  markJobStopped,
  markJobWaiting,
  selectJob,
  selectJobs,
} from '../../store/tables/jobs.ts'
import type { Directory } from '../directory.ts'
import type { Scope } from '../reach.ts'
import { runRead, runUnit, type Unit, write } from '../unit.ts'
import type { JobKind } from './kind.ts'

/** How long ended jobs are kept, in milliseconds: 90 days. */
export const KEEP_JOBS_MS = 90 * DAY_MS

/** What a job is begun with. */
export interface NewJob<Input> {
  /** A JSON value. It must hold no secret. */
  readonly input: Input
  /** The id of the thing that the job is about. */
  readonly target?: string | undefined
  /** How many items there are, if it is known. */
  readonly total?: number | undefined
}

/**
 * Begins a job, in the unit of the use case that needs it. A server runs it within a second of the commit.
 * @returns the id of the job
 */
export async function beginJob<Input, Cursor, Prepared>(
  unit: Unit,
  kind: JobKind<Input, Cursor, Prepared>,
  { input, target, total }: NewJob<Input>,
): Promise<string> {
  const { ctx, now } = unit
  const id = newId()
  await insertJob(unit.tx, {
    id,
    kind: kind.operation,
    providerPk: ctx.organization.providerPk,
    organization: ctx.organization,
    target: target ?? null,
    caller: formatCaller(ctx.caller),
    callerPk: ctx.caller.kind === 'client' ? ctx.caller.pk : null,
    permission: ctx.permission,
    portal: ctx.portal,
    correlationId: ctx.correlationId,
    address: ctx.address,
    input: JSON.stringify(input),
    total: total ?? null,
    now,
    dueAt: now,
  })
  return id
}

/** Returns a job that was begun in the organization of the context, or below it; undefined for others. */
export function findReachableJob({ tx, ctx }: Scope, id: string): Promise<Job | undefined> {
  const { kind, pk, providerPk } = ctx.organization
  return selectJob(tx, foldId(id), { providerPk, ownPk: kind === 'provider' ? null : pk })
}

async function getReachableJob(scope: Scope, id: string): Promise<Job> {
  const job = await findReachableJob(scope, id)
  if (job) return job
  throw new DirectoryError('job_not_found', `There is no job with the id ${id}.`)
}

/**
 * Returns a job that was begun in the organization of the context, or below it.
 * @throws {DirectoryError} `not_permitted`, `job_not_found`, `store_unavailable`
 */
export function getJob(dir: Directory, ctx: Context, id: string): Promise<Job> {
  return runRead(dir, ctx, 'GetJob', (scope) => getReachableJob(scope, id))
}

/**
 * Lists the jobs of all organizations, newest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listJobs(dir: Directory, ctx: Context, filter: JobFilter): Promise<Job[]> {
  return runRead(dir, ctx, 'ListJobs', ({ tx }) => selectJobs(tx, filter))
}

/**
 * Stops a job between two steps: what is done stays. Stopping it again does nothing.
 * @returns the job, stopped
 * @throws {DirectoryError} `not_permitted`, `job_not_found`, `job_ended`, `store_unavailable`
 */
export function stopJob(dir: Directory, ctx: Context, id: string): Promise<Job> {
  return runUnit(dir, ctx, { operation: 'StopJob', target: id }, async (unit) => {
    const job = await getReachableJob(unit, id)
    if (job.state === 'stopped') return job
    if (job.endedAt !== null) throw jobEnded(job, 'stopped')
    return change(unit, job, { mark: markJobStopped, outcome: 'stopped' })
  })
}

/**
 * Lets a stopped or failed job go on after its last step. Does nothing to a job that waits or runs.
 * @returns the job
 * @throws {DirectoryError} `not_permitted`, `job_not_found`, `job_ended`, `store_unavailable`
 */
export function resumeJob(dir: Directory, ctx: Context, id: string): Promise<Job> {
  return runUnit(dir, ctx, { operation: 'ResumeJob', target: id }, async (unit) => {
    const job = await getReachableJob(unit, id)
    if (job.state === 'waiting' || job.state === 'running') return job
    if (job.state === 'succeeded') throw jobEnded(job, 'resumed')
    return change(unit, job, { mark: markJobWaiting, outcome: 'resumed' })
  })
}

async function change(
  unit: Unit,
  job: Job,
  to: { mark: (tx: Tx, pk: number, now: string) => Promise<void>; outcome: 'stopped' | 'resumed' },
): Promise<Job> {
  await to.mark(unit.tx, job.pk, unit.now)
  const changed = await getReachableJob(unit, job.id)
  const changes = diff({ state: job.state }, { state: changed.state })
  await unit.audit({ outcome: to.outcome, target: job.id, changedFields: ['state'], changes })
  return changed
}

function jobEnded({ id, state }: Job, what: string): DirectoryError {
  return new DirectoryError('job_ended', `The job ${id} has ${state}: it cannot be ${what}.`)
}

/**
 * Deletes the jobs that ended more than 90 days ago. Returns how many.
 * @throws {DirectoryError} `store_unavailable`
 */
export function deleteOldJobs(dir: Directory): Promise<number> {
  const before = new Date(dir.now().getTime() - KEEP_JOBS_MS).toISOString()
  return write(dir, (tx) => deleteEndedJobs(tx, before))
}

import { sql } from 'kysely'
import type { Job } from '../../model/jobs.ts'
import type { Lease } from '../accounts/leases.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { type JobRow, toJob } from './jobs.ts'

/** A job that this process runs, with what its next step needs. */
export interface ClaimedJob {
  readonly job: Job
  readonly organizationPk: number
  readonly callerPk: number | null
  readonly permission: string
  readonly portal: string | null
  readonly address: string | null
  /** JSON values: what the job was begun with, and what its last step left; null before the first step. */
  readonly input: unknown
  readonly cursor: unknown
  /** How often a process has begun to run it since its last step. */
  readonly attempts: number
}

/**
 * Returns the primary keys of the jobs of some kinds that are due and that this process may claim; the one that waits
 * longest comes first.
 */
export async function selectDueJobs(
  tx: Tx,
  due: Pick<Lease, 'now' | 'by'> & { kinds: readonly string[]; limit: number },
): Promise<{ pk: number; kind: string }[]> {
  if (due.kinds.length === 0) return []
  return tx.query((db) =>
    db
      .selectFrom('jobs')
      .select(['pk', 'kind'])
      .where('state', 'in', ['waiting', 'running'])
      .where('kind', 'in', [...due.kinds])
      .where('due_at', '<=', due.now)
      .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', due.now)]))
      .orderBy('due_at')
      .orderBy('pk')
      .limit(due.limit),
  )
}

// The condition is part of the update, so that of two concurrent claims only one succeeds.
const claim = statement((db, p: Lease & { pk: number }) =>
  db
    .updateTable('jobs')
    .set((eb) => ({
      state: 'running',
      leased_until: p.until,
      leased_by: p.by,
      attempts: eb('attempts', '+', 1),
      started_at: eb.fn.coalesce('started_at', sql<string>`${p.now}`),
    }))
    .where('pk', '=', p.pk)
    .where('state', 'in', ['waiting', 'running'])
    .where((eb) =>
      eb.or([eb('leased_until', 'is', null), eb('leased_until', '<', p.now), eb('leased_by', '=', p.by)]),
    ),
)

/** Claims a job for this process. Returns false if another process has it, or if it was stopped or has ended. */
export async function claimJob(tx: Tx, pk: number, lease: Lease): Promise<boolean> {
  return (await tx.run(claim, { pk, ...lease })) === 1
}

/** A job and the process that claimed it. */
export interface JobClaim {
  readonly pk: number
  readonly by: string
}

function whereClaimed(db: QueryBuilder, p: JobClaim) {
  return db
    .updateTable('jobs')
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by)
    .where('state', '=', 'running')
}

const selectClaimed = statement((db, p: JobClaim) =>
  db
    .selectFrom('jobs')
    .selectAll()
    .where('pk', '=', p.pk)
    .where('leased_by', '=', p.by)
    .where('state', '=', 'running'),
)

/** Returns a job that this process has claimed; undefined if it was stopped, or another process has taken it over. */
export async function selectClaimedJob(tx: Tx, claimed: JobClaim): Promise<ClaimedJob | undefined> {
  const row = (await tx.get(selectClaimed, claimed)) as JobRow | undefined
  return (
    row && {
      job: toJob(row),
      organizationPk: row.organization_pk,
      callerPk: row.caller_pk,
      permission: row.permission,
      portal: row.portal,
      address: row.address,
      input: JSON.parse(row.input),
      cursor: row.cursor === null ? null : JSON.parse(row.cursor),
      attempts: row.attempts,
    }
  )
}

/** What a step leaves for the next one. */
interface Step {
  /** A JSON text. */
  readonly cursor: string
  readonly done: number
  readonly total: number | null
  readonly until: string
}

const saveStep = statement((db, p: JobClaim & Step) =>
  whereClaimed(db, p).set({
    cursor: p.cursor,
    done: p.done,
    total: p.total,
    error: null,
    attempts: 0,
    leased_until: p.until,
  }),
)

/**
 * Stores what a step leaves, in the commit of the step, and renews the lease.
 * @returns false, with nothing stored, if the job is not claimed by this process any more
 */
export async function updateJobStep(tx: Tx, claimed: JobClaim, step: Step): Promise<boolean> {
  return (await tx.run(saveStep, { ...claimed, ...step })) === 1
}

interface End {
  readonly state: 'succeeded' | 'failed'
  readonly done: number
  readonly total: number | null
  /** A JSON text. */
  readonly result: string | null
  readonly error: string | null
  readonly now: string
}

const saveEnd = statement((db, p: JobClaim & End) =>
  whereClaimed(db, p).set({
    state: p.state,
    done: p.done,
    total: p.total,
    result: p.result,
    error: p.error,
    leased_until: null,
    leased_by: null,
    ended_at: p.now,
  }),
)

/**
 * Ends a job, in the commit of its last step.
 * @returns false, with nothing stored, if the job is not claimed by this process any more
 */
export async function markJobEnded(tx: Tx, claimed: JobClaim, end: End): Promise<boolean> {
  return (await tx.run(saveEnd, { ...claimed, ...end })) === 1
}

const release = statement((db, p: JobClaim & { dueAt: string; error: string | null }) =>
  whereClaimed(db, p).set({
    state: 'waiting',
    leased_until: null,
    leased_by: null,
    due_at: p.dueAt,
    error: p.error,
  }),
)

/** Lets any process run a job from a time on. */
export async function releaseJob(
  tx: Tx,
  claimed: JobClaim,
  next: { dueAt: string; error: string | null },
): Promise<void> {
  await tx.run(release, { ...claimed, ...next })
}

/** Prefix of the names of commands that run one job. A server that starts meanwhile does not end their leases. */
export const COMMAND = 'command:'

const dropLeases = statement((db) =>
  db
    .updateTable('jobs')
    .set({ leased_until: null, leased_by: null })
    .where('leased_until', 'is not', null)
    .where('leased_by', 'not like', sql.lit(`${COMMAND}%`)),
)

/** Ends the leases of all jobs that servers run. To be used only if no other server uses the store. */
export async function dropJobLeases(tx: Tx): Promise<void> {
  await tx.run(dropLeases, {})
}

import { type SqlBool, sql } from 'kysely'
import type { Operation } from '../../model/audit.ts'
import type { Job, JobState } from '../../model/jobs.ts'
import { parseCaller } from '../audit/entry-rows.ts'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

/** A row of `jobs`. */
export type JobRow = Omit<Tables['jobs'], 'pk'> & { pk: number }

/** A job as it is inserted. */
export interface NewJobRow {
  readonly id: string
  readonly kind: Operation
  readonly providerPk: number
  readonly organization: { readonly pk: number; readonly id: string }
  readonly target: string | null
  /** In the form that `formatCaller` returns. */
  readonly caller: string
  readonly callerPk: number | null
  readonly permission: string
  readonly portal: string | null
  readonly correlationId: string
  readonly address: string | null
  /** JSON texts. */
  readonly input: string
  readonly total: number | null
  readonly now: string
  /** When its first step is due, ISO 8601. */
  readonly dueAt: string
}

/** Converts a row to a job of the model. */
export function toJob(row: JobRow): Job {
  return {
    pk: row.pk,
    id: row.id,
    kind: row.kind as Operation,
    state: row.state as JobState,
    organizationId: row.organization_id,
    target: row.target,
    caller: parseCaller(row.caller),
    correlationId: row.correlation_id,
    done: row.done,
    total: row.total,
    result: row.result === null ? null : JSON.parse(row.result),
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

const insert = statement((db, p: Omit<NewJobRow, 'organization'> & { pk: number; organizationId: string }) =>
  db.insertInto('jobs').values({
    id: p.id,
    kind: p.kind,
    state: 'waiting',
    provider_pk: p.providerPk,
    organization_pk: p.pk,
    organization_id: p.organizationId,
    target: p.target,
    caller: p.caller,
    caller_pk: p.callerPk,
    permission: p.permission,
    portal: p.portal,
    correlation_id: p.correlationId,
    address: p.address,
    input: p.input,
    cursor: null,
    done: 0,
    total: p.total,
    result: null,
    error: null,
    attempts: 0,
    due_at: p.dueAt,
    leased_until: null,
    leased_by: null,
    created_at: p.now,
    started_at: null,
    ended_at: null,
  }),
)

/** Inserts a job that waits for its first step. */
export async function insertJob(tx: Tx, { organization, ...job }: NewJobRow): Promise<void> {
  await tx.run(insert, { ...job, pk: organization.pk, organizationId: organization.id })
}

/** The jobs that a caller may see: those begun in its organization or below it. */
export interface JobReach {
  readonly providerPk: number
  /** Null for the provider itself, which sees all jobs below it. */
  readonly ownPk: number | null
}

const selectReachable = statement((db, p: { id: string; providerPk: number; ownPk: number | null }) =>
  db
    .selectFrom('jobs')
    .selectAll()
    .where('id', '=', p.id)
    .where('provider_pk', '=', p.providerPk)
    .where((eb) =>
      eb.or([
        sql<SqlBool>`cast(${p.ownPk} as integer) is null`,
        eb('organization_pk', '=', p.ownPk),
        eb.exists(
          eb
            .selectFrom('customer_resellers')
            .select('customer_pk')
            .whereRef('customer_pk', '=', 'jobs.organization_pk')
            .where('reseller_pk', '=', p.ownPk),
        ),
      ]),
    ),
)

/** Returns the job with this id, if it is within reach. Costs the same for a job out of reach and for none. */
export async function selectJob(tx: Tx, id: string, reach: JobReach): Promise<Job | undefined> {
  const row = (await tx.get(selectReachable, { id, ...reach })) as JobRow | undefined
  return row && toJob(row)
}

/** What jobs must match; members that are left out match anything. */
export interface JobFilter {
  readonly state?: JobState | undefined
  readonly kind?: string | undefined
  /** Only jobs with a lower primary key: that of the last job of the page before. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Returns the matching jobs of all organizations, newest first. */
export async function selectJobs(tx: Tx, { state, kind, before, limit }: JobFilter): Promise<Job[]> {
  const rows = await tx.query((db) => {
    let query = db.selectFrom('jobs').selectAll().orderBy('pk', 'desc').limit(limit)
    if (state) query = query.where('state', '=', state)
    if (kind) query = query.where('kind', '=', kind)
    if (before) query = query.where('pk', '<', before)
    return query
  })
  return (rows as JobRow[]).map(toJob)
}

const selectOpen = statement((db, p: { kind: string; target: string }) =>
  db
    .selectFrom('jobs')
    .selectAll()
    .where('kind', '=', p.kind)
    .where('target', '=', p.target)
    .where('state', '!=', sql.lit('succeeded'))
    .orderBy('pk', 'desc'),
)

/** Returns the newest job of a kind about a thing that has not succeeded. */
export async function selectOpenJob(
  tx: Tx,
  job: { kind: Operation; target: string },
): Promise<Job | undefined> {
  const row = (await tx.get(selectOpen, job)) as JobRow | undefined
  return row && toJob(row)
}

/** Returns the newest job of a kind in some states that was begun at a provider or below it. */
export async function selectNewestJob(
  tx: Tx,
  job: { kind: Operation; providerPk: number; states: readonly JobState[] },
): Promise<Job | undefined> {
  const [row] = await tx.query((db) =>
    db
      .selectFrom('jobs')
      .selectAll()
      .where('kind', '=', job.kind)
      .where('provider_pk', '=', job.providerPk)
      .where('state', 'in', [...job.states])
      .orderBy('pk', 'desc')
      .limit(1),
  )
  return row && toJob(row as JobRow)
}

const setState = statement((db, p: { pk: number; state: JobState; now: string }) =>
  db
    .updateTable('jobs')
    .set({ state: p.state, leased_until: null, leased_by: null, attempts: 0, due_at: p.now, ended_at: null })
    .where('pk', '=', p.pk),
)

/** Marks a job as stopped. The step that runs is not stored. */
export async function markJobStopped(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(setState, { pk, state: 'stopped', now })
}

/** Marks a stopped or failed job as waiting: it goes on after its last step. */
export async function markJobWaiting(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(setState, { pk, state: 'waiting', now })
}

const deleteEnded = statement((db, p: { before: string }) =>
  db.deleteFrom('jobs').where('ended_at', '<', p.before),
)

/** Deletes the jobs that ended before a time. Returns how many. */
export async function deleteEndedJobs(tx: Tx, before: string): Promise<number> {
  return tx.run(deleteEnded, { before })
}

import { type Selectable, sql } from 'kysely'
import type { Attempt, KeptOutcome } from '../../model/attempts.ts'
import { type Cause, formatCause, parseCause } from '../../model/causes.ts'
import type { Tx, UserArea } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { isInArea, toAreaParameters } from '../tables/areas.ts'

/** The most rows that one account has. Equal attempts in a row are one row. */
export const MAX_ATTEMPTS = 50

/** An attempt that has just ended. */
export interface NewAttempt
  extends Pick<Attempt, 'outcome' | 'cause' | 'error' | 'version' | 'changedAt' | 'node' | 'ms'> {
  /** When it ended, ISO 8601. */
  readonly at: string
}

const selectLast = statement((db, p: { account: number }) =>
  db
    .selectFrom('attempts')
    .select(['pk', 'outcome', 'cause', 'error', 'version', 'changed_at as changedAt'])
    .where('account_pk', '=', p.account)
    .orderBy('pk', 'desc')
    .limit(sql.lit(1)),
)

const repeat = statement((db, p: { pk: number; at: string; node: string; ms: number }) =>
  db
    .updateTable('attempts')
    .set((eb) => ({ count: eb('count', '+', 1), last_at: p.at, node: p.node, ms: p.ms }))
    .where('pk', '=', p.pk),
)

interface Row extends Omit<NewAttempt, 'cause'> {
  readonly account: number
  readonly cause: string | null
}

const insert = statement((db, p: Row) =>
  db.insertInto('attempts').values({
    account_pk: p.account,
    first_at: p.at,
    last_at: p.at,
    count: 1,
    outcome: p.outcome,
    cause: p.cause,
    error: p.error,
    version: p.version,
    changed_at: p.changedAt,
    node: p.node,
    ms: p.ms,
  }),
)

const deleteOldest = statement((db, p: { account: number }) =>
  db
    .deleteFrom('attempts')
    .where('account_pk', '=', p.account)
    .where('pk', '<=', (eb) =>
      eb
        .selectFrom('attempts as kept')
        .select('kept.pk')
        .where('kept.account_pk', '=', p.account)
        .orderBy('kept.pk', 'desc')
        .limit(sql.lit(1))
        .offset(sql.lit(MAX_ATTEMPTS)),
    ),
)

/**
 * Keeps an attempt that failed, or a success that ends failures. An attempt that is equal to the newest one is counted
 * with it; of two that differ in their process or duration alone, those of the later one are kept. The oldest rows of an
 * account go when it has more than MAX_ATTEMPTS.
 */
export async function insertAttempt(tx: Tx, account: number, attempt: NewAttempt): Promise<void> {
  const cause = attempt.cause === null ? null : formatCause(attempt.cause)
  const row = { ...attempt, cause, account }
  const last = await tx.get(selectLast, { account })
  const isEqual =
    last !== undefined &&
    (['outcome', 'cause', 'error', 'version', 'changedAt'] as const).every((name) => last[name] === row[name])
  if (isEqual) await tx.run(repeat, { pk: last.pk, at: row.at, node: row.node, ms: row.ms })
  else {
    await tx.insert(insert, row)
    if (last) await tx.run(deleteOldest, { account })
  }
}

const selectOfUser = statement((db, p: { user: number; before: number; limit: number }) =>
  db
    .selectFrom('attempts')
    .innerJoin('accounts', 'accounts.pk', 'attempts.account_pk')
    .selectAll('attempts')
    .select('accounts.platform')
    .where('accounts.user_pk', '=', p.user)
    .where('attempts.pk', '<', p.before)
    .orderBy('attempts.pk', 'desc')
    .limit(p.limit),
)

/**
 * Returns the kept attempts of a user's accounts, newest first.
 * @param page.before only attempts with a lower number; all when left out
 */
export async function selectAttemptsOfUser(
  tx: Tx,
  user: number,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<Attempt[]> {
  const { before = Number.MAX_SAFE_INTEGER, limit } = page
  return (await tx.all(selectOfUser, { user, before, limit })).map(toAttempt)
}

/** An attempt with the user whose account it was. */
export interface OwnedAttempt extends Attempt {
  readonly userId: string
  readonly organizationId: string
  /** Whether the account still lacks the change, and no later change has replaced it. */
  readonly isWaiting: boolean
}

/**
 * Returns the kept attempts to apply changes that were made at given times, of accounts of users in an area, oldest
 * first.
 * @param times ISO 8601; other changes may have been made at the same times
 */
export async function selectAttemptsOfChanges(
  tx: Tx,
  area: UserArea,
  { times, limit }: { readonly times: readonly string[]; readonly limit: number },
): Promise<OwnedAttempt[]> {
  if (times.length === 0) return []
  const rows = await tx.query((db) =>
    db
      .selectFrom('attempts')
      .innerJoin('accounts', 'accounts.pk', 'attempts.account_pk')
      .innerJoin('users', 'users.pk', 'accounts.user_pk')
      .innerJoin('organizations as owner', 'owner.pk', 'users.organization_pk')
      .selectAll('attempts')
      .select(['accounts.platform', 'users.id as userId', 'owner.id as organizationId'])
      .select(['accounts.desired_version', 'accounts.applied_version'])
      .where('attempts.changed_at', 'in', times)
      .where(isInArea(toAreaParameters(area)))
      .orderBy('attempts.pk')
      .limit(limit),
  )
  return rows.map(
    ({ userId, organizationId, desired_version: desired, applied_version: applied, ...row }) => {
      const isWaiting = applied < desired && row.version === desired
      return { ...toAttempt(row), userId, organizationId, isWaiting }
    },
  )
}

interface AttemptRow extends Selectable<Tables['attempts']> {
  readonly platform: string
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    number: row.pk,
    platform: row.platform,
    firstAt: row.first_at,
    lastAt: row.last_at,
    count: row.count,
    outcome: row.outcome as KeptOutcome,
    cause: readCause(row.cause),
    error: row.error,
    version: row.version,
    changedAt: row.changed_at,
    node: row.node,
    ms: row.ms,
  }
}

/** Converts a column `cause` to the model's. */
export function readCause(column: string | null): Cause | null {
  return column === null ? null : parseCause(column)
}

const deleteOld = statement((db, p: { before: string; limit: number }) =>
  db
    .deleteFrom('attempts')
    .where('pk', 'in', (eb) =>
      eb.selectFrom('attempts as old').select('old.pk').where('old.last_at', '<', p.before).limit(p.limit),
    ),
)

/** Deletes attempts whose last repetition was before a time, at most `limit`. Returns how many. */
export function deleteAttemptsBefore(tx: Tx, before: string, limit: number): Promise<number> {
  return tx.run(deleteOld, { before, limit })
}

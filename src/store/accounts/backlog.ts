import type { AccountFailure, Backlog, FailureState } from '../../model/backlog.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { RESET_ATTEMPTS, selectAccounts, YES } from './accounts.ts'

// Every parked account has an error, which is kept until an attempt succeeds or the desired state changes.
const backlog = statement((db) =>
  db
    .selectFrom('accounts')
    .select((eb) => [
      eb.fn.countAll<number>().as('unapplied'),
      eb.fn.count<number>('last_error').as('failed'),
      eb.fn.count<number>('parked_at').as('parked'),
      eb.fn.min('desired_at').as('oldest'),
    ])
    .whereRef('applied_version', '<', 'desired_version'),
)

/** Counts the accounts that are not applied, for each state. Also returns when the oldest of them was last changed. */
export async function selectBacklog(tx: Tx): Promise<Backlog> {
  const row = await tx.get(backlog, {})
  const [unapplied, failed, parked] = [row?.unapplied, row?.failed, row?.parked].map((count) =>
    Number(count ?? 0),
  ) as [number, number, number]
  return { waiting: unapplied - failed, failing: failed - parked, parked, oldest: row?.oldest ?? null }
}

const selectApplied = statement((db) =>
  db
    .selectFrom('accounts')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('wanted', '=', YES)
    .whereRef('applied_version', '>=', 'desired_version'),
)

/** Counts the accounts that exist and are applied. Reads every account. */
export async function countApplied(tx: Tx): Promise<number> {
  return Number((await tx.get(selectApplied, {}))?.total ?? 0)
}

/** Returns the accounts whose last attempt failed, ordered by primary key. */
export async function selectFailedAccounts(
  tx: Tx,
  page: { after: number; limit: number; state?: FailureState | undefined },
): Promise<AccountFailure[]> {
  const rows = await tx.query((db) => {
    const failed = selectAccounts(db)
      .whereRef('accounts.applied_version', '<', 'accounts.desired_version')
      .where('accounts.last_error', 'is not', null)
      .where('accounts.pk', '>', page.after)
      .orderBy('accounts.pk')
      .limit(page.limit)
    if (page.state === undefined) return failed
    return failed.where('accounts.parked_at', page.state === 'parked' ? 'is not' : 'is', null)
  })
  return rows.map((row) => ({
    number: row.pk,
    userId: row.user_id,
    tenantId: row.tenant_id,
    state: row.parked_at === null ? 'failing' : 'parked',
    attempts: row.attempts,
    error: row.last_error ?? '',
    dueAt: row.due_at,
  }))
}

const selectFailed = statement((db, p: { after: number; limit: number }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .whereRef('applied_version', '<', 'desired_version')
    .where('last_error', 'is not', null)
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit),
)

const retryUpTo = statement((db, p: { after: number; last: number; now: string }) =>
  db
    .updateTable('accounts')
    .set({ ...RESET_ATTEMPTS, due_at: p.now })
    .where('pk', '>', p.after)
    .where('pk', '<=', p.last)
    .whereRef('applied_version', '<', 'desired_version')
    .where('last_error', 'is not', null),
)

/**
 * Makes the accounts whose last attempt failed due now, in the order of their primary keys.
 * @returns the number of accounts, and the primary key after which to continue; null if there are no more
 */
export async function markAccountsDue(
  tx: Tx,
  page: { after: number; limit: number; now: string },
): Promise<{ retried: number; last: number | null }> {
  const last = (await tx.all(selectFailed, page)).at(-1)?.pk
  if (last === undefined) return { retried: 0, last: null }
  return { retried: await tx.run(retryUpTo, { ...page, last }), last }
}

const retryOfUser = statement((db, p: { user: string; now: string }) =>
  db
    .updateTable('accounts')
    .set({ ...RESET_ATTEMPTS, due_at: p.now })
    .where('user_pk', 'in', (eb) => eb.selectFrom('users').select('users.pk').where('users.id', '=', p.user))
    .whereRef('applied_version', '<', 'desired_version')
    .where('last_error', 'is not', null),
)

/** Makes the accounts of a user whose last attempt failed due now. Returns the number of accounts. */
export async function markAccountsOfUserDue(tx: Tx, userId: string, now: string): Promise<number> {
  return tx.run(retryOfUser, { user: userId, now })
}

const retryOfOrganization = statement((db, p: { organization: number; now: string }) =>
  db
    .updateTable('accounts')
    .set({ ...RESET_ATTEMPTS, due_at: p.now })
    .where('tenant_pk', 'in', (eb) =>
      eb.selectFrom('tenants').select('tenants.pk').where('tenants.organization_pk', '=', p.organization),
    )
    .whereRef('applied_version', '<', 'desired_version')
    .where('last_error', 'is not', null),
)

/** Makes the accounts of an organization whose last attempt failed due now. Returns the number of accounts. */
export async function markAccountsOfOrganizationDue(
  tx: Tx,
  organization: number,
  now: string,
): Promise<number> {
  return tx.run(retryOfOrganization, { organization, now })
}

const selectOfUser = statement((db, p: { user: string }) =>
  db
    .selectFrom('accounts')
    .innerJoin('users', 'users.pk', 'accounts.user_pk')
    .select('accounts.pk')
    .where('users.id', '=', p.user),
)

/** Returns whether a user has, or once had, an account. */
export async function hasHadAccount(tx: Tx, userId: string): Promise<boolean> {
  return (await tx.get(selectOfUser, { user: userId })) !== undefined
}

/**
 * Returns the primary keys of a platform's accounts that are higher than `after`, in order; also of removed accounts.
 */
export async function selectAccountsAfter(
  tx: Tx,
  after: number,
  { platform, tenant, limit }: { platform: string; tenant: number | undefined; limit: number },
): Promise<number[]> {
  const rows = await tx.query((db) => {
    const all = db
      .selectFrom('accounts')
      .select('pk')
      .where('platform', '=', platform)
      .where('pk', '>', after)
      .orderBy('pk')
      .limit(limit)
    return tenant === undefined ? all : all.where('tenant_pk', '=', tenant)
  })
  return rows.map((row) => row.pk)
}

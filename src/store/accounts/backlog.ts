import { sql } from 'kysely'
import type { Backlog } from '../../model/backlog.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { RESET_ATTEMPTS, YES } from './accounts.ts'

// Every parked account has an error, which is kept until an attempt succeeds or the desired state changes.
const countBacklog = (db: QueryBuilder) =>
  db
    .selectFrom('accounts')
    .select((eb) => [
      eb.fn.countAll<number>().as('unapplied'),
      eb.fn.count<number>('last_error').as('failed'),
      eb.fn.count<number>('parked_at').as('parked'),
      eb.fn.min('desired_at').as('oldest'),
    ])
    .whereRef('applied_version', '<', 'desired_version')

const backlog = statement((db) => countBacklog(db))
// The sign keeps SQLite from reading all accounts of the provider: those that are not applied have an index.
const backlogOf = statement((db, p: { provider: number }) =>
  countBacklog(db).where(sql<number>`+${sql.ref('provider_pk')}`, '=', p.provider),
)

/**
 * Counts the accounts that are not applied, for each state. Also returns when the oldest of them was last changed.
 * @param provider counts the accounts of this provider alone; those of all when left out
 */
export async function selectBacklog(tx: Tx, provider?: number): Promise<Backlog> {
  const row = await (provider === undefined ? tx.get(backlog, {}) : tx.get(backlogOf, { provider }))
  const [unapplied, failed, parked] = [row?.unapplied, row?.failed, row?.parked].map((count) =>
    Number(count ?? 0),
  ) as [number, number, number]
  return { waiting: unapplied - failed, failing: failed - parked, parked, oldest: row?.oldest ?? null }
}

const selectTotal = statement((db) =>
  db.selectFrom('account_totals').select((eb) => eb.fn.sum<number | null>('total').as('total')),
)

const selectPending = statement((db) =>
  db
    .selectFrom('accounts')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .whereRef('applied_version', '<', 'desired_version')
    .where('wanted', '=', YES),
)

/** Counts the accounts that exist and are applied, from the stored totals. */
export async function countApplied(tx: Tx): Promise<number> {
  const [all, pending] = [await tx.get(selectTotal, {}), await tx.get(selectPending, {})]
  return Number(all?.total ?? 0) - Number(pending?.total ?? 0)
}

const retryOfUser = statement((db, p: { user: string; provider: number; now: string }) =>
  db
    .updateTable('accounts')
    .set({ ...RESET_ATTEMPTS, due_at: p.now })
    .where('user_pk', 'in', (eb) =>
      eb
        .selectFrom('users')
        .select('users.pk')
        .where('users.id', '=', p.user)
        .where('users.provider_pk', '=', p.provider),
    )
    .whereRef('applied_version', '<', 'desired_version')
    .where('last_error', 'is not', null),
)

/** Makes the accounts of a provider's user whose last attempt failed due now. Returns the number of accounts. */
export async function markAccountsOfUserDue(
  tx: Tx,
  { provider, user }: { readonly provider: number; readonly user: string },
  now: string,
): Promise<number> {
  return tx.run(retryOfUser, { user, provider, now })
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

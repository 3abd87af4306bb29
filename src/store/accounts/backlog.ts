import { sql } from 'kysely'
import type { Backlog } from '../../model/backlog.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { RESET_ATTEMPTS, YES } from './accounts.ts'

/** A place in the order of the index of accounts that are not applied. */
export interface BacklogPlace {
  readonly tenant: number
  readonly pk: number
}

/** Counts of some accounts. */
export interface BacklogPart {
  readonly counts: Backlog
  /** Where the next part begins; undefined if there is none. */
  readonly next: BacklogPlace | undefined
}

const unappliedAfter = (db: QueryBuilder, p: BacklogPlace) =>
  db
    .selectFrom('accounts')
    .whereRef('applied_version', '<', 'desired_version')
    .where((eb) => eb(eb.refTuple('tenant_pk', 'pk'), '>', eb.tuple(p.tenant, p.pk)))
    .orderBy('tenant_pk')
    .orderBy('pk')

const selectLast = statement((db, p: BacklogPlace & { limit: number }) =>
  unappliedAfter(db, p).select(['tenant_pk as tenant', 'pk']).offset(p.limit).limit(sql.lit(1)),
)

// Every parked account has an error, which is kept until an attempt succeeds or the desired state changes.
const countPart = statement((db, p: BacklogPlace & { limit: number; provider: number | null }) =>
  db
    .selectFrom(
      unappliedAfter(db, p)
        .select(['provider_pk', 'last_error', 'parked_at', 'desired_at'])
        .limit(p.limit)
        .as('part'),
    )
    .select((eb) => [
      eb.fn.countAll<number>().as('unapplied'),
      eb.fn.count<number>('last_error').as('failed'),
      eb.fn.count<number>('parked_at').as('parked'),
      eb.fn.min('desired_at').as('oldest'),
    ])
    .where((eb) => eb('provider_pk', '=', eb.fn.coalesce(eb.val(p.provider), 'provider_pk'))),
)

/**
 * Counts some of the accounts that are not applied, for each state. Also returns when the oldest of them was last
 * changed.
 * @param part.after the place of the part; the first part when left out
 * @param part.provider counts the accounts of this provider alone; those of all when left out
 * @param part.limit how many accounts are looked at
 */
export async function selectBacklogPart(
  tx: Tx,
  {
    after = { tenant: 0, pk: 0 },
    provider,
    limit,
  }: { readonly after?: BacklogPlace | undefined; readonly provider?: number | undefined; limit: number },
): Promise<BacklogPart> {
  const last = await tx.get(selectLast, { ...after, limit: limit - 1 })
  const row = await tx.get(countPart, { ...after, limit, provider: provider ?? null })
  const [unapplied, failed, parked] = [row?.unapplied, row?.failed, row?.parked].map((count) =>
    Number(count ?? 0),
  ) as [number, number, number]
  const counts = {
    waiting: unapplied - failed,
    failing: failed - parked,
    parked,
    oldest: row?.oldest ?? null,
  }
  return { counts, next: last && { tenant: Number(last.tenant), pk: last.pk } }
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

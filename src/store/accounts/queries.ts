import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectAccounts, toAccount, YES } from './accounts.ts'
import { selectTotal, type TotalsKey } from './totals.ts'

/** What accounts must match; members that are left out match anything. */
export interface AccountCriteria extends TotalsKey {
  /** The primary key of the user. */
  readonly user?: number
  readonly canonicalUserId?: string
  readonly orgUserId?: string
  readonly username?: string
  /**
   * Matches accounts whose username or Cloud Director user id is `text`, and accounts of the user with the primary key
   * `user`.
   */
  readonly named?: { readonly text: string; readonly user: number | null }
}

/**
 * Starts a query for the matching accounts without their other columns, so that counting and paging read only an index;
 * the caller selects `pk`.
 */
export function selectMatching(db: QueryBuilder, criteria: AccountCriteria) {
  const { provider, tenant, canonicalUserId, orgId, active } = criteria
  let query = db.selectFrom('accounts').where('accounts.wanted', '=', YES)
  // A tenant belongs to one provider. To compare the provider as well would prevent the use of the tenant's indexes.
  query =
    tenant === undefined
      ? query.where('accounts.provider_pk', '=', provider)
      : query.where('accounts.tenant_pk', '=', tenant)
  if (canonicalUserId !== undefined) query = query.where('accounts.canonical_user_id', '=', canonicalUserId)
  if (orgId !== undefined) query = query.where('accounts.org_id', '=', orgId)
  if (active !== undefined) query = query.where('accounts.active', '=', active ? 1 : 0)
  for (const few of selectFew(db, criteria)) query = query.where('accounts.pk', 'in', few)
  return query
}

/**
 * Returns a subquery for each criterion that matches few accounts. Without statistics an engine does not know that a
 * username is more selective than an org, and would scan the whole org.
 */
function selectFew(db: QueryBuilder, { provider, user, orgUserId, username, named }: AccountCriteria) {
  const by = (column: 'org_user_id' | 'username', text: string) =>
    db
      .selectFrom('accounts')
      .select('pk')
      .where('provider_pk', '=', provider)
      .where(column, '=', text)
      .where('wanted', '=', YES)
  const ofUser = (pk: number) => db.selectFrom('accounts').select('pk').where('user_pk', '=', pk)
  const few = []
  if (user !== undefined) few.push(ofUser(user))
  if (orgUserId !== undefined) few.push(by('org_user_id', orgUserId))
  if (username !== undefined) few.push(by('username', username))
  if (named) {
    const either = by('username', named.text).union(by('org_user_id', named.text))
    few.push(named.user === null ? either : either.union(ofUser(named.user)))
  }
  return few
}

/** Returns a page of the matching accounts, oldest first, and the exact number of all that match. */
export async function selectAccountPage(
  tx: Tx,
  criteria: AccountCriteria,
  page: PageRequest,
): Promise<Page<Account>> {
  const total =
    (await selectTotal(tx, 'account_totals', criteria)) ??
    (await countMatching(tx, (db) => selectMatching(db, criteria)))
  const plan = planPage(page, total)
  if (!plan) return { items: [], total }
  const rows = await tx.query((db) =>
    selectAccounts(db)
      .where(
        'accounts.pk',
        'in',
        selectMatching(db, criteria)
          .select('accounts.pk')
          .orderBy('accounts.pk', plan.direction)
          .limit(plan.limit)
          .offset(plan.offset),
      )
      .orderBy('accounts.pk'),
  )
  return { items: rows.map(toAccount), total }
}

const selectOneOfOrg = statement((db, p: { provider: number; org: string }) =>
  db
    .selectFrom('accounts')
    .select('pk')
    .where('provider_pk', '=', p.provider)
    .where('org_id', '=', p.org)
    .where('wanted', '=', YES)
    .limit(sql.lit(1)),
)

/** Returns whether an org of the provider has an account. */
export async function hasAccountOfOrg(tx: Tx, provider: number, org: string): Promise<boolean> {
  return (await tx.get(selectOneOfOrg, { provider, org })) !== undefined
}

/** Returns the ids among these that are the canonical id of an account, removed accounts included. */
export async function selectKnownCanonicalIds(tx: Tx, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx.query((db) =>
    db.selectFrom('accounts').select('canonical_user_id').where('canonical_user_id', 'in', ids),
  )
  return rows.map((row) => row.canonical_user_id)
}

import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectAccounts, toAccount, WANTED } from './accounts.ts'
import { selectTotal, type TotalsKey } from './totals.ts'

/** What accounts have to be like; what is left out may be anything. Ids are keys by now, but for those of Cloud Director. */
export interface AccountCriteria extends TotalsKey {
  readonly user?: number
  readonly canonicalUserId?: string
  readonly orgUserId?: string
  readonly username?: string
  /** A text that is the username or the Cloud Director user id, or names the user with this key. */
  readonly named?: { readonly text: string; readonly user: number | null }
}

/** The accounts that match, as their keys alone, so that counting and paging need no more than an index. */
export function selectMatching(db: QueryBuilder, criteria: AccountCriteria) {
  const { provider, tenant, canonicalUserId, orgId, active } = criteria
  let query = db.selectFrom('accounts').where('accounts.wanted', '=', WANTED)
  // A tenant is the provider's already; to compare both would lead out of the tenant's indexes.
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
 * The terms that leave few accounts, each as a look-up of its own: without statistics an engine cannot know that a
 * user name says more than an org, and would walk through the whole org.
 */
function selectFew(db: QueryBuilder, { provider, user, orgUserId, username, named }: AccountCriteria) {
  const by = (column: 'org_user_id' | 'username', text: string) =>
    db
      .selectFrom('accounts')
      .select('pk')
      .where('provider_pk', '=', provider)
      .where(column, '=', text)
      .where('wanted', '=', WANTED)
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

/** One page of the accounts that match, in the order of their creation, with the exact number of all of them. */
export async function selectAccountPage(
  tx: Tx,
  criteria: AccountCriteria,
  page: PageRequest,
): Promise<Page<Account>> {
  const total =
    (await selectTotal(tx, 'account_totals', criteria)) ??
    (await countMatching(tx, (db) => selectMatching(db, criteria)))
  const walk = planPage(page, total)
  if (!walk) return { items: [], total }
  const rows = await tx.query((db) =>
    selectAccounts(db)
      .where(
        'accounts.pk',
        'in',
        selectMatching(db, criteria)
          .select('accounts.pk')
          .orderBy('accounts.pk', walk.direction)
          .limit(walk.limit)
          .offset(walk.offset),
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
    .where('wanted', '=', WANTED)
    .limit(sql.lit(1)),
)

/** Whether an org of the provider has an account. */
export async function hasAccountOfOrg(tx: Tx, provider: number, org: string): Promise<boolean> {
  return (await tx.get(selectOneOfOrg, { provider, org })) !== undefined
}

/** Which of these canonical ids are those of accounts, removed ones among them. */
export async function selectKnownCanonicalIds(tx: Tx, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx.query((db) =>
    db.selectFrom('accounts').select('canonical_user_id').where('canonical_user_id', 'in', ids),
  )
  return rows.map((row) => row.canonical_user_id)
}

const canonicalIdsOfTenant = statement((db, p: { tenant: number }) =>
  db
    .selectFrom('accounts')
    .select('canonical_user_id')
    .where('tenant_pk', '=', p.tenant)
    .where('wanted', '=', WANTED)
    .orderBy('pk'),
)

/** The canonical ids of all accounts of a tenant, oldest first. */
export async function selectCanonicalIds(tx: Tx, tenant: number): Promise<string[]> {
  return (await tx.all(canonicalIdsOfTenant, { tenant })).map((row) => row.canonical_user_id)
}

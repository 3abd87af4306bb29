import { sql } from 'kysely'
import type { Account } from '../../model/accounts.ts'
import { type Condition, hasEquality } from '../../model/conditions.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import { compileCondition, type FieldTable } from '../conditions.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { selectHiddenTenants } from '../tables/tenant-lists.ts'
import { selectAccounts, toAccount, YES } from './accounts.ts'
import { selectTotal } from './totals.ts'

/** What conditions on accounts may compare. */
export interface AccountFields {
  /** Primary keys. */
  readonly tenant: number
  readonly user: number
  readonly canonicalUserId: string
  readonly orgId: string
  readonly orgUserId: string
  readonly username: string
  readonly active: boolean
}

/** Which accounts of a provider a query is for. */
export interface AccountCriteria {
  /** The primary key of the provider. */
  readonly provider: number
  readonly where: Condition<AccountFields>
  /** Primary keys of tenants whose accounts do not match; see `selectHiddenTenants`. None when left out. */
  readonly hidden?: readonly number[]
}

/**
 * Starts a query for the matching accounts without their other columns, so that counting and paging read only an index;
 * the caller selects `pk`.
 */
export function selectMatching(db: QueryBuilder, { provider, where, hidden = [] }: AccountCriteria) {
  const query = db
    .selectFrom('accounts')
    .where('accounts.wanted', '=', YES)
    .$if(hidden.length > 0, (some) => some.where('accounts.tenant_pk', 'not in', [...hidden]))
  // A tenant belongs to one provider. To compare the provider as well would prevent the use of the tenant's indexes.
  const within = hasEquality(where, 'tenant') ? query : query.where('accounts.provider_pk', '=', provider)
  return within.where(compileCondition(db, fieldsOf(provider), where))
}

/** How the fields are compared. A user, a Cloud Director user and a username have few accounts. */
function fieldsOf(provider: number): FieldTable<AccountFields> {
  const by = (column: 'org_user_id' | 'username') => ({
    few: (db: QueryBuilder, text: string) =>
      db
        .selectFrom('accounts')
        .select('pk')
        .where('provider_pk', '=', provider)
        .where(column, '=', text)
        .where('wanted', '=', YES),
  })
  return {
    pk: 'accounts.pk',
    fields: {
      tenant: { column: 'accounts.tenant_pk' },
      canonicalUserId: { column: 'accounts.canonical_user_id' },
      orgId: { column: 'accounts.org_id' },
      active: { column: 'accounts.active' },
      user: { few: (db, user) => db.selectFrom('accounts').select('pk').where('user_pk', '=', user) },
      orgUserId: by('org_user_id'),
      username: by('username'),
    },
  }
}

/** Returns a page of the matching accounts, oldest first, and the exact number of all that match. */
export async function selectAccountPage(
  tx: Tx,
  wanted: Omit<AccountCriteria, 'hidden'>,
  page: PageRequest,
): Promise<Page<Account>> {
  const criteria = { ...wanted, hidden: await findHidden(tx, wanted) }
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

/** Returns the tenants that a query leaves out: none if it is about one tenant. */
export async function findHidden<F extends { readonly tenant: number }>(
  tx: Tx,
  { provider, where }: { provider: number; where: Condition<F> },
): Promise<number[]> {
  return hasEquality<F>(where, 'tenant') ? [] : selectHiddenTenants(tx, provider)
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

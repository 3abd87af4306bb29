import type { Condition } from '../../model/conditions.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import type { Tenant } from '../../model/tenants.ts'
import { compileCondition, type FieldTable } from '../conditions.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { toTenant } from './tenants.ts'

/** What conditions on tenants may compare. */
export interface TenantFields {
  /** The primary key. */
  readonly pk: number
}

/** Which tenants of a provider a query is for. */
export interface TenantCriteria {
  /** The primary key of the provider. */
  readonly provider: number
  readonly where: Condition<TenantFields>
}

const FIELDS: FieldTable<TenantFields> = { pk: 'tenants.pk', fields: { pk: { column: 'tenants.pk' } } }

function selectMatching(db: QueryBuilder, { provider, where }: TenantCriteria) {
  return db
    .selectFrom('tenants')
    .where('tenants.provider_pk', '=', provider)
    .where('tenants.deleted_at', 'is', null)
    .where(compileCondition(db, FIELDS, where))
}

/** Returns a page of the matching tenants, oldest first, and the exact number of all that match. */
export async function selectTenantPage(
  tx: Tx,
  criteria: TenantCriteria,
  page: PageRequest,
): Promise<Page<Tenant>> {
  const total = await countMatching(tx, (db) => selectMatching(db, criteria))
  const plan = planPage(page, total)
  if (!plan) return { items: [], total }
  const rows = await tx.query((db) =>
    selectMatching(db, criteria)
      .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
      .selectAll('tenants')
      .select('organizations.id as organization_id')
      .orderBy('tenants.pk', plan.direction)
      .limit(plan.limit)
      .offset(plan.offset),
  )
  if (plan.direction === 'desc') rows.reverse()
  const orgs = await selectOrgsOf(
    tx,
    rows.map((row) => row.pk),
  )
  return { items: rows.map((row) => toTenant(row, orgs.get(row.pk) ?? [])), total }
}

/** Returns the orgs of several tenants, with the tenant's primary key as the key. */
async function selectOrgsOf(tx: Tx, tenants: readonly number[]): Promise<Map<number, string[]>> {
  const rows = await tx.query((db) =>
    db
      .selectFrom('tenant_orgs')
      .select(['tenant_pk', 'org_id'])
      .where('tenant_pk', 'in', tenants)
      .orderBy('tenant_pk')
      .orderBy('pk'),
  )
  const orgs = new Map<number, string[]>()
  for (const { tenant_pk, org_id } of rows) {
    const known = orgs.get(tenant_pk)
    if (known) known.push(org_id)
    else orgs.set(tenant_pk, [org_id])
  }
  return orgs
}

/** Returns the ids among these that belong to tenants of the provider, deleted tenants included. */
export async function selectKnownTenantIds(
  tx: Tx,
  provider: number,
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx.query((db) =>
    db.selectFrom('tenants').select('id').where('id', 'in', ids).where('provider_pk', '=', provider),
  )
  return rows.map((row) => row.id)
}

const selectHidden = statement((db, p: { provider: number }) =>
  db
    .selectFrom('organizations')
    .innerJoin('tenants', 'tenants.organization_pk', 'organizations.pk')
    .select('tenants.pk')
    .where('organizations.provider_pk', '=', p.provider)
    .where('organizations.deleted_at', 'is not', null)
    .where('organizations.emptied_at', 'is', null),
)

/**
 * Returns the primary keys of the tenants of deleted customers that still have accounts. There are few: lists of all
 * accounts read them first, so that they need not look at the tenant of each account.
 */
export async function selectHiddenTenants(tx: Tx, provider: number): Promise<number[]> {
  return (await tx.all(selectHidden, { provider })).map(({ pk }) => pk)
}

import type { Page, PageRequest } from '../../model/pages.ts'
import type { Tenant } from '../../model/tenants.ts'
import { countMatching, planPage } from '../paging.ts'
import type { QueryBuilder, Tx } from '../port.ts'
import { toTenant } from './tenants.ts'

/** What tenants have to be like; what is left out may be anything. */
export interface TenantCriteria {
  readonly provider: number
  readonly pk?: number | undefined
}

function selectMatching(db: QueryBuilder, { provider, pk }: TenantCriteria) {
  const query = db
    .selectFrom('tenants')
    .where('tenants.provider_pk', '=', provider)
    .where('tenants.deleted_at', 'is', null)
  return pk === undefined ? query : query.where('tenants.pk', '=', pk)
}

/** One page of the tenants that match, in the order of their creation, with the exact number of all of them. */
export async function selectTenantPage(
  tx: Tx,
  criteria: TenantCriteria,
  page: PageRequest,
): Promise<Page<Tenant>> {
  const total = await countMatching(tx, (db) => selectMatching(db, criteria))
  const walk = planPage(page, total)
  if (!walk) return { items: [], total }
  const rows = await tx.query((db) =>
    selectMatching(db, criteria)
      .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
      .selectAll('tenants')
      .select('organizations.id as organization_id')
      .orderBy('tenants.pk', walk.direction)
      .limit(walk.limit)
      .offset(walk.offset),
  )
  if (walk.direction === 'desc') rows.reverse()
  const orgs = await listOrgs(
    tx,
    rows.map((row) => row.pk),
  )
  return { items: rows.map((row) => toTenant(row, orgs.get(row.pk) ?? [])), total }
}

/** The orgs of several tenants, by tenant. */
async function listOrgs(tx: Tx, tenants: readonly number[]): Promise<Map<number, string[]>> {
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

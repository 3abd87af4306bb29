import type { Organization } from '../model/organizations.ts'
import type { Tenant } from '../model/tenants.ts'
import type { Tx } from './port.ts'
import { statement } from './statement.ts'

interface TenantRow {
  pk: number
  id: string
  organization_pk: number
  organization_id: string
  platform: string
  name: string
}

const selectOrgs = statement((db, p: { tenant: number }) =>
  db.selectFrom('tenant_orgs').select('org_id').where('tenant_pk', '=', p.tenant).orderBy('pk'),
)

async function withOrgs(tx: Tx, row: TenantRow): Promise<Tenant> {
  const orgs = await tx.all(selectOrgs, { tenant: row.pk })
  return {
    pk: row.pk,
    id: row.id,
    organizationPk: row.organization_pk,
    organizationId: row.organization_id,
    platform: row.platform,
    name: row.name,
    orgIds: orgs.map((org) => org.org_id),
  }
}

const selectById = statement((db, p: { id: string; provider: number }) =>
  db
    .selectFrom('tenants')
    .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
    .selectAll('tenants')
    .select('organizations.id as organization_id')
    .where('tenants.id', '=', p.id)
    .where('organizations.provider_pk', '=', p.provider),
)

/** The tenant with this id, if it belongs to a customer of the provider. */
export async function findTenant(tx: Tx, provider: number, id: string): Promise<Tenant | undefined> {
  const row = await tx.get(selectById, { id, provider })
  return row && withOrgs(tx, row)
}

const selectByOrg = statement((db, p: { provider: number; platform: string; org: string }) =>
  db
    .selectFrom('tenant_orgs')
    .innerJoin('tenants', 'tenants.pk', 'tenant_orgs.tenant_pk')
    .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
    .selectAll('tenants')
    .select('organizations.id as organization_id')
    .where('tenant_orgs.provider_pk', '=', p.provider)
    .where('tenant_orgs.platform', '=', p.platform)
    .where('tenant_orgs.org_id', '=', p.org),
)

/** The tenant that an org is mapped to. */
export async function findTenantByOrg(
  tx: Tx,
  provider: number,
  org: { platform: string; id: string },
): Promise<Tenant | undefined> {
  const row = await tx.get(selectByOrg, { provider, platform: org.platform, org: org.id })
  return row && withOrgs(tx, row)
}

const insert = statement(
  (db, p: { id: string; organization: number; platform: string; name: string; now: string }) =>
    db
      .insertInto('tenants')
      .values({
        id: p.id,
        organization_pk: p.organization,
        platform: p.platform,
        name: p.name,
        created_at: p.now,
      })
      .returningAll(),
)

const insertOrg = statement((db, p: { tenant: number; provider: number; platform: string; org: string }) =>
  db
    .insertInto('tenant_orgs')
    .values({ tenant_pk: p.tenant, provider_pk: p.provider, platform: p.platform, org_id: p.org }),
)

/** @throws {ConstraintError} when one of the orgs is mapped to another tenant already */
export async function insertTenant(
  tx: Tx,
  tenant: {
    id: string
    organization: Organization
    platform: string
    name: string
    orgIds: readonly string[]
    now: string
  },
): Promise<Tenant> {
  const { id, organization, platform, name, orgIds, now } = tenant
  const provider = organization.providerPk
  const made = await tx.get(insert, { id, organization: organization.pk, platform, name, now })
  const row = { ...made, organization_id: organization.id } as TenantRow
  for (const org of orgIds) await tx.run(insertOrg, { tenant: row.pk, provider, platform, org })
  return withOrgs(tx, row)
}

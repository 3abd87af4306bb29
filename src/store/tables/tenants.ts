import type { Organization } from '../../model/organizations.ts'
import type { AccountPolicy, Tenant } from '../../model/tenants.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { upsertOrgCustomer } from './org-customers.ts'

/** A row of `tenants` with the id of its customer. */
export interface TenantRow {
  pk: number
  id: string
  organization_pk: number
  organization_id: string
  provider_pk: number
  platform: string
  name: string
  accounts: AccountPolicy
}

const selectOrgs = statement((db, p: { tenant: number }) =>
  db.selectFrom('tenant_orgs').select('org_id').where('tenant_pk', '=', p.tenant).orderBy('pk'),
)

async function withOrgs(tx: Tx, row: TenantRow): Promise<Tenant> {
  const orgs = await tx.all(selectOrgs, { tenant: row.pk })
  return toTenant(
    row,
    orgs.map((org) => org.org_id),
  )
}

/** Converts a row to a tenant of the model. */
export function toTenant(row: TenantRow, orgIds: readonly string[]): Tenant {
  return {
    pk: row.pk,
    id: row.id,
    organizationPk: row.organization_pk,
    organizationId: row.organization_id,
    providerPk: row.provider_pk,
    platform: row.platform,
    name: row.name,
    accounts: row.accounts,
    orgIds,
  }
}

const selectById = statement((db, p: { id: string; provider: number }) =>
  db
    .selectFrom('tenants')
    .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
    .selectAll('tenants')
    .select('organizations.id as organization_id')
    .where('tenants.id', '=', p.id)
    .where('tenants.provider_pk', '=', p.provider),
)

/** Returns the tenant with this id, if it belongs to a customer of the provider and was not deleted. */
export async function selectTenant(tx: Tx, provider: number, id: string): Promise<Tenant | undefined> {
  const row = await tx.get(selectById, { id, provider })
  return row?.deleted_at === null ? withOrgs(tx, row) : undefined
}

/** Like `selectTenant`, but also returns a deleted tenant. */
export async function selectTenantIncludingRemoved(
  tx: Tx,
  provider: number,
  id: string,
): Promise<{ tenant: Tenant; deleted: boolean } | undefined> {
  const row = await tx.get(selectById, { id, provider })
  return row && { tenant: await withOrgs(tx, row), deleted: row.deleted_at !== null }
}

const selectByOrg = statement((db, p: { provider: number; org: string }) =>
  db
    .selectFrom('tenant_orgs')
    .innerJoin('tenants', 'tenants.pk', 'tenant_orgs.tenant_pk')
    .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
    .selectAll('tenants')
    .select('organizations.id as organization_id')
    .where('tenant_orgs.provider_pk', '=', p.provider)
    .where('tenant_orgs.org_id', '=', p.org)
    .orderBy('tenants.pk'),
)

/**
 * Returns the tenant that an org is mapped to, on any platform.
 * @param org.prefer the platform whose tenant is returned if the org is mapped on several
 */
export async function selectTenantByOrg(
  tx: Tx,
  provider: number,
  { id, prefer }: { id: string; prefer: string },
): Promise<Tenant | undefined> {
  const rows = await tx.all(selectByOrg, { provider, org: id })
  const row = rows.find(({ platform }) => platform === prefer) ?? rows[0]
  return row && withOrgs(tx, row)
}

const selectNamedOfOrg = statement((db, p: { provider: number; org: string; name: string }) =>
  db
    .selectFrom('tenant_orgs')
    .innerJoin('tenants', 'tenants.pk', 'tenant_orgs.tenant_pk')
    .select('tenants.pk')
    .where('tenant_orgs.provider_pk', '=', p.provider)
    .where('tenant_orgs.org_id', '=', p.org)
    .where('tenants.name', '=', p.name),
)

/** Returns whether an org is mapped to a tenant with this name, on any platform. */
export async function isOrgOfTenantNamed(
  tx: Tx,
  provider: number,
  org: string,
  name: string,
): Promise<boolean> {
  return (await tx.get(selectNamedOfOrg, { provider, org, name })) !== undefined
}

const insert = statement(
  (
    db,
    p: { id: string; organization: number; provider: number; platform: string; name: string; now: string },
  ) =>
    db
      .insertInto('tenants')
      .values({
        id: p.id,
        organization_pk: p.organization,
        provider_pk: p.provider,
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

/**
 * Inserts a tenant with its orgs.
 * @throws {ConstraintError} when an org is mapped to another tenant, or the customer has a tenant on the platform
 */
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
  const made = await tx.get(insert, { id, organization: organization.pk, provider, platform, name, now })
  const row = { ...made, organization_id: organization.id } as TenantRow
  await insertOrgs(tx, toTenant(row, []), orgIds)
  return withOrgs(tx, row)
}

/**
 * Maps orgs to a tenant, in addition to those that it has.
 * @throws {ConstraintError} when an org is mapped to a tenant already
 */
async function insertOrgs(tx: Tx, tenant: Tenant, orgIds: readonly string[]): Promise<void> {
  const { pk, organizationPk: organization, providerPk: provider, platform } = tenant
  for (const org of orgIds) {
    await tx.run(insertOrg, { tenant: pk, provider, platform, org })
    await upsertOrgCustomer(tx, { provider, org, organization })
  }
}

const lock = statement((db, p: { pk: number }) =>
  db
    .updateTable('tenants')
    .set((eb) => ({ name: eb.ref('name') }))
    .where('pk', '=', p.pk),
)

const deleteOrgs = statement((db, p: { tenant: number }) =>
  db.deleteFrom('tenant_orgs').where('tenant_pk', '=', p.tenant),
)

/**
 * Maps exactly these orgs to a tenant. Concurrent calls for one tenant run one after the other.
 * @returns the orgs that the tenant had before
 * @throws {ConstraintError} when an org is mapped to another tenant
 */
export async function replaceOrgs(tx: Tx, tenant: Tenant, orgIds: readonly string[]): Promise<string[]> {
  // An update that changes nothing, to lock the row against other processes.
  await tx.run(lock, { pk: tenant.pk })
  const before = (await tx.all(selectOrgs, { tenant: tenant.pk })).map((org) => org.org_id)
  await tx.run(deleteOrgs, { tenant: tenant.pk })
  await insertOrgs(tx, tenant, orgIds)
  return before
}

const markDeleted = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('tenants').set({ deleted_at: p.now }).where('pk', '=', p.pk),
)

/** Marks a tenant as deleted and releases its orgs. The row stays, because the rows of its accounts refer to it. */
export async function markTenantDeleted(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(markDeleted, { pk, now })
  await tx.run(deleteOrgs, { tenant: pk })
}

const selectOfCustomer = statement((db, p: { organization: number; platform: string }) =>
  db
    .selectFrom('tenants')
    .innerJoin('organizations', 'organizations.pk', 'tenants.organization_pk')
    .selectAll('tenants')
    .select('organizations.id as organization_id')
    .where('tenants.organization_pk', '=', p.organization)
    .where('tenants.platform', '=', p.platform),
)

const presentOfCustomer = statement((db, p: { organization: number }) =>
  db
    .selectFrom('tenants')
    .select(['id', 'platform'])
    .where('organization_pk', '=', p.organization)
    .where('deleted_at', 'is', null)
    .orderBy('pk'),
)

/** Returns the oldest tenant that a customer has, on any platform. */
export async function selectPresentTenant(
  tx: Tx,
  organization: number,
): Promise<Pick<Tenant, 'id' | 'platform'> | undefined> {
  return tx.get(presentOfCustomer, { organization })
}

/** Returns the tenant that a customer has, or once had, on a platform. */
export async function selectTenantOfCustomer(
  tx: Tx,
  organization: number,
  platform: string,
): Promise<{ tenant: Tenant; deleted: boolean } | undefined> {
  const row = await tx.get(selectOfCustomer, { organization, platform })
  return row && { tenant: await withOrgs(tx, row), deleted: row.deleted_at !== null }
}

const renew = statement((db, p: { pk: number; id: string; name: string; now: string }) =>
  db
    .updateTable('tenants')
    .set({ id: p.id, name: p.name, accounts: 'named', created_at: p.now, deleted_at: null })
    .where('pk', '=', p.pk),
)

/** Replaces a deleted tenant with a new one that has a new id: a customer has one row per platform. */
export async function updateRenewedTenant(
  tx: Tx,
  deleted: Tenant,
  tenant: { id: string; name: string; orgIds: readonly string[]; now: string },
): Promise<Tenant> {
  const { id, name, orgIds, now } = tenant
  await tx.run(renew, { pk: deleted.pk, id, name, now })
  await replaceOrgs(tx, deleted, orgIds)
  return { ...deleted, id, name, accounts: 'named', orgIds }
}

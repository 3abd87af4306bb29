import type { Context } from '../model/clients.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newId, newTenantId } from '../model/ids.ts'
import { checkNewTenant, type NewTenant, type Tenant } from '../model/tenants.ts'
import { insertOrganization } from '../store/organizations.ts'
import type { Tx } from '../store/port.ts'
import { findTenant, findTenantByOrg, insertTenant } from '../store/tenants.ts'
import { assertPermitted } from './access.ts'
import type { Directory } from './directory.ts'
import { attempt, read } from './unit.ts'

/**
 * Creates a customer of the caller's provider with a tenant on the platform, mapped to the given orgs.
 * An org that has a tenant already gets that one, unchanged: Cloud Director repeats onboarding after a failure.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `orgs_on_several_tenants`, `store_unavailable`
 */
export function createTenant(dir: Directory, ctx: Context, input: NewTenant): Promise<Tenant> {
  return attempt(dir, ctx, { operation: 'CreateTenant' }, async (unit) => {
    assertPermitted(ctx, 'CreateTenant')
    assertValid(checkNewTenant(input))
    const orgIds = [...new Set(input.orgIds)]
    const existing = await findTenantOfOrgs(unit.tx, dir, ctx, orgIds)
    if (existing) {
      await unit.audit({ outcome: 'repeated', organization: existing.organizationId, target: existing.id })
      return existing
    }
    const { now } = unit
    const provider = ctx.organization.pk
    const customer = await insertOrganization(unit.tx, {
      id: newId(),
      kind: 'customer',
      name: input.name,
      providerPk: provider,
      now,
    })
    const { platform } = dir
    const id = newTenantId(input.name)
    const tenant = await insertTenant(unit.tx, {
      id,
      organization: customer,
      platform,
      name: input.name,
      orgIds,
      now,
    })
    await unit.audit({
      outcome: 'created',
      organization: customer.id,
      target: tenant.id,
      changedFields: orgIds.length > 0 ? ['name', 'cd_tenant_ids'] : ['name'],
    })
    return tenant
  })
}

/** The tenant that the orgs are mapped to already, if any of them is. */
async function findTenantOfOrgs(
  tx: Tx,
  dir: Directory,
  ctx: Context,
  orgIds: readonly string[],
): Promise<Tenant | undefined> {
  let existing: Tenant | undefined
  for (const id of orgIds) {
    const tenant = await findTenantByOrg(tx, ctx.organization.pk, { platform: dir.platform, id })
    if (existing && tenant && tenant.pk !== existing.pk) throw severalTenants()
    existing ??= tenant
  }
  return existing
}

function severalTenants(): DirectoryError {
  const message = 'names orgs that are mapped to different tenants'
  return new DirectoryError('orgs_on_several_tenants', `cd_tenant_ids ${message}`, {
    issues: [{ path: 'cd_tenant_ids', rule: 'unique', message }],
  })
}

/** @throws {DirectoryError} `tenant_not_found`, also for a tenant of another provider */
export async function getTenant(dir: Directory, ctx: Context, id: string): Promise<Tenant> {
  return read(dir, (tx) => getReachableTenant(tx, ctx, id))
}

/** @throws {DirectoryError} `tenant_not_found` */
export async function getReachableTenant(tx: Tx, ctx: Context, id: string): Promise<Tenant> {
  const tenant = await findTenant(tx, ctx.organization.pk, id)
  if (!tenant) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${id}.`)
  return tenant
}

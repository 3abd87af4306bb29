import { diff } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Tenant } from '../model/tenants.ts'
import { selectMainPlatform, updateMainPlatform } from '../store/tables/platforms.ts'
import { selectTenantsOfPlatform, updateTenantPlatform } from '../store/tables/tenant-platforms.ts'
import { selectTenantByOrg, selectTenantOfCustomer } from '../store/tables/tenants.ts'
import type { Directory } from './directory.ts'
import { EMBEDDED } from './platforms.ts'
import { getProviderPk, getReachableTenant } from './reach.ts'
import { runRead, runUnit, type Unit } from './unit.ts'

/**
 * Moves a tenant from the platform `embedded`, which holds no data, to the platform that the settings name, which
 * becomes the directory's main platform. Its accounts keep their ids and keys, and are applied there.
 * @returns the tenant on its new platform; unchanged if it was there already
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`; `tenant_not_movable` with the reason and what to do;
 *   `store_unavailable`
 */
export function moveTenant(dir: Directory, ctx: Context, tenantId: string): Promise<Tenant> {
  return runUnit(dir, ctx, { operation: 'MoveTenant', target: tenantId }, async (unit) => {
    const tenant = await getReachableTenant(unit, tenantId)
    const { organizationId: organization } = tenant
    const platform = dir.platform
    if (tenant.platform === platform && platform !== EMBEDDED) {
      await unit.audit({ outcome: 'repeated', organization })
      return tenant
    }
    await assertMovable(unit, tenant, platform)
    await updateTenantPlatform(unit.tx, tenant.pk, { platform, now: unit.now })
    if ((await selectMainPlatform(unit.tx)) !== platform)
      await updateMainPlatform(unit.tx, platform, unit.now)
    await unit.audit({ outcome: 'updated', organization, changes: diff(tenant, { platform }) })
    return { ...tenant, platform }
  })
}

/** Checks that nothing is lost by a move, and that the target platform has room for the tenant and its orgs. */
async function assertMovable(unit: Unit, tenant: Tenant, platform: string): Promise<void> {
  const { tx } = unit
  if (tenant.platform !== EMBEDDED)
    throw notMovable(
      `The tenant ${tenant.id} is on ${tenant.platform}, which may hold its data: Usher moves no data between ` +
        'platforms. Give the customer another tenant, and copy the data with an S3 client.',
    )
  if (platform === EMBEDDED)
    throw notMovable(
      `The tenant ${tenant.id} is on embedded, and the settings name no other platform. Set USHER_CEPH_RGW_URL, ` +
        'USHER_CEPH_RGW_ACCESS_KEY and USHER_CEPH_RGW_SECRET_KEY.',
    )
  const other = await selectTenantOfCustomer(tx, tenant.organizationPk, platform)
  if (other)
    throw notMovable(
      `The customer of the tenant ${tenant.id} ${other.deleted ? 'had' : 'has'} the tenant ${other.tenant.id} on ` +
        `${platform}, and a customer has one tenant on a platform. ${other.deleted ? 'Create a new one with usher tenant create.' : `Use ${other.tenant.id}.`}`,
    )
  for (const id of tenant.orgIds) {
    const holder = await selectTenantByOrg(tx, getProviderPk(unit), { id, prefer: platform })
    if (holder?.platform === platform)
      throw notMovable(
        `The org ${id} of the tenant ${tenant.id} is mapped to the tenant ${holder.id} on ${platform} too. ` +
          `Take it off one of them, or delete the one that is not used, in Object Storage Extension or through OSIS.`,
      )
  }
}

function notMovable(message: string): DirectoryError {
  return new DirectoryError('tenant_not_movable', message)
}

/**
 * Lists the ids of the tenants that `moveTenant` can move, oldest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listMovableTenants(dir: Directory, ctx: Context): Promise<string[]> {
  return runRead(dir, ctx, 'MoveTenant', (scope) =>
    selectTenantsOfPlatform(scope.tx, getProviderPk(scope), EMBEDDED),
  )
}

import type { Context } from '../model/context.ts'
import type { Organization } from '../model/organizations.ts'
import { markOrganizationDeleted } from '../store/tables/companies.ts'
import {
  countContents,
  deletePortalsOfOrganization,
  markClientsOfOrganizationDeleted,
  selectTenantsOfOrganization,
} from '../store/tables/deleted-organizations.ts'
import { lockOrganization } from '../store/tables/organizations.ts'
import { markTenantDeleted } from '../store/tables/tenants.ts'
import { type Directory, forgetCached } from './directory.ts'
import { DELETE_CUSTOMER } from './jobs/delete-customer.ts'
import { DELETE_RESELLER } from './jobs/delete-reseller.ts'
import { beginJob } from './jobs/jobs.ts'
import { getReachableOrganization } from './reach.ts'
import { runUnit, type Unit } from './unit.ts'

/**
 * Deletes a customer. It is hidden at once: its clients are refused, its tenants are gone, and no user is created in it.
 * A job then removes its accounts from the platforms, and after that its users.
 * @param request.purgeData whether the data of its accounts is deleted too. If not, accounts that own data stay on the
 *   platform, suspended
 * @returns the id of the job
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `store_unavailable`
 */
export async function deleteCustomer(
  dir: Directory,
  ctx: Context,
  request: { customerId: string; purgeData: boolean },
): Promise<{ jobId: string }> {
  const { customerId: organization, purgeData: purge } = request
  const result = await runUnit(dir, ctx, { operation: 'DeleteCustomer', organization }, async (unit) => {
    const customer = await getReachableOrganization(unit, { id: organization, kind: 'customer' })
    await hide(unit, customer)
    const { users, accounts } = await countContents(unit.tx, customer.pk)
    for (const { pk, deletedAt } of await selectTenantsOfOrganization(unit.tx, customer.pk))
      if (deletedAt === null) await markTenantDeleted(unit.tx, pk, unit.now)
    const input = { organizationPk: customer.pk, purge, users, accounts }
    const job = { input, target: customer.id, total: users + accounts }
    return { jobId: await beginJob(unit, DELETE_CUSTOMER, job) }
  })
  forgetCached(dir)
  return result
}

/**
 * Deletes a reseller. It is hidden at once: its clients are refused, and its portals are gone. A job then deletes its
 * users and ends its relations; its customers stay, and users that were in its context are in none.
 * @returns the id of the job
 * @throws {DirectoryError} `not_permitted`, `reseller_not_found`, `store_unavailable`
 */
export async function deleteReseller(dir: Directory, ctx: Context, id: string): Promise<{ jobId: string }> {
  const subject = { operation: 'DeleteReseller', organization: id } as const
  const result = await runUnit(dir, ctx, subject, async (unit) => {
    const reseller = await getReachableOrganization(unit, { id, kind: 'reseller' })
    await hide(unit, reseller)
    await deletePortalsOfOrganization(unit.tx, reseller.pk)
    const input = { organizationPk: reseller.pk }
    return { jobId: await beginJob(unit, DELETE_RESELLER, { input, target: reseller.id }) }
  })
  forgetCached(dir)
  return result
}

async function hide(unit: Unit, { pk, id }: Organization): Promise<void> {
  const { tx, now } = unit
  await lockOrganization(tx, pk)
  await markOrganizationDeleted(tx, pk, now)
  await markClientsOfOrganizationDeleted(tx, pk, now)
  const changes = [{ name: 'deletedAt', before: null, after: now }]
  await unit.audit({ outcome: 'begun', organization: id, target: id, changes })
}

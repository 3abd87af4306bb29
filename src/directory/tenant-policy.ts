import type { AccountPolicy, Tenant } from '../model/tenants.ts'
import { updateTenantPolicy } from '../store/tables/tenant-accounts.ts'
import { toPlace } from './account-places.ts'
import { beginAccountsJob } from './accounts-job.ts'
import type { Directory } from './directory.ts'
import type { Unit } from './unit.ts'

/** A tenant, and what became of a change of its policy. */
export interface ChangedTenant {
  readonly tenant: Tenant
  /** The job that gives accounts to the people who have none; null if there is nothing to do. */
  readonly jobId: string | null
}

/**
 * Sets who gets an account in a tenant, and writes the audit entry. With `everyone`, begins the job that gives accounts
 * to the people who have none.
 * @throws {DirectoryError} `platform_unavailable` if the tenant's platform is not configured in this process
 */
export async function changePolicy(
  dir: Directory,
  unit: Unit,
  { tenant, accounts }: { tenant: Tenant; accounts: AccountPolicy },
): Promise<ChangedTenant> {
  const { organizationId: organization, id: target, accounts: before } = tenant
  if (before === accounts) {
    await unit.audit({ outcome: 'repeated', organization, target })
    return { tenant, jobId: null }
  }
  // Refuses a platform that this process cannot name accounts on.
  toPlace(unit, tenant)
  await updateTenantPolicy(unit.tx, tenant.pk, accounts)
  const changes = [{ name: 'accounts', before, after: accounts }]
  await unit.audit({ outcome: 'updated', organization, target, changes })
  const job = { organization: { id: organization }, tenantId: target }
  const jobId = accounts === 'everyone' ? await beginAccountsJob(unit, job) : null
  // Creates in this process know of it at once; those of other processes, within CACHE_TTL_MS.
  dir.createScopes.clear()
  return { tenant: { ...tenant, accounts }, jobId }
}

import type { Account } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Tenant } from '../model/tenants.ts'
import { selectAccount } from '../store/accounts/accounts.ts'
import type { Tx } from '../store/port.ts'
import { selectTenant } from '../store/tables/tenants.ts'

/** @throws {DirectoryError} `tenant_not_found`, also for a tenant of another provider */
export async function getReachableTenant(tx: Tx, ctx: Context, id: string): Promise<Tenant> {
  const tenant = await selectTenant(tx, ctx.organization.pk, id)
  if (!tenant) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${id}.`)
  return tenant
}

/** The ids by which an account is known to callers. */
export interface AccountIds {
  readonly tenantId: string
  readonly userId: string
}

/** @throws {DirectoryError} `user_not_found`, also for a user of another provider's tenant */
export async function getReachableAccount(tx: Tx, ctx: Context, ids: AccountIds): Promise<Account> {
  const account = await selectAccount(tx, ctx.organization.pk, ids)
  if (account) return account
  throw new DirectoryError(
    'user_not_found',
    `There is no user with the id ${ids.userId} in the tenant ${ids.tenantId}.`,
  )
}

/** The id of the customer that an account belongs to, for the audit log; null once its tenant has been deleted. */
export async function customerOf(tx: Tx, account: Account): Promise<string | null> {
  return (await selectTenant(tx, account.providerPk, account.tenantId))?.organizationId ?? null
}

import type { Context } from '../model/context.ts'
import { DirectoryError, toInvalid } from '../model/error.ts'
import { type AccountPolicy, checkNewTenant, type Tenant } from '../model/tenants.ts'
import { selectTenantPlace } from '../store/tables/tenant-accounts.ts'
import { selectTenant } from '../store/tables/tenants.ts'
import type { Directory } from './directory.ts'
import { getReachableOrganization, getReachableTenant, type Scope } from './reach.ts'
import { type ChangedTenant, changePolicy } from './tenant-policy.ts'
import { insertTenantOf } from './tenants.ts'
import { runRead, runUnit } from './unit.ts'

/**
 * Says who gets an account in a tenant. With `everyone`, creating a user of the customer makes their account in the
 * same commit, and a job gives accounts to the others. With `named`, accounts that exist stay.
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`, `platform_unavailable`, `store_unavailable`
 */
export function updateTenantAccounts(
  dir: Directory,
  ctx: Context,
  request: { readonly tenantId: string; readonly accounts: AccountPolicy },
): Promise<ChangedTenant> {
  const { tenantId, accounts } = request
  return runUnit(dir, ctx, { operation: 'UpdateTenantAccounts', target: tenantId }, async (unit) =>
    changePolicy(dir, unit, { tenant: await getReachableTenant(unit, tenantId), accounts }),
  )
}

/**
 * Like `updateTenantAccounts`, for the tenant of a customer, who gets one if they have none.
 * @param request.name the name of a new tenant; the customer's name when left out
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `account_being_removed` while a former
 *   tenant is being removed, `platform_unavailable`, `store_unavailable`
 */
export function updateCustomerTenant(
  dir: Directory,
  ctx: Context,
  request: {
    readonly customerId: string
    readonly accounts: AccountPolicy
    readonly name?: string | undefined
  },
): Promise<ChangedTenant> {
  const { customerId, accounts, name } = request
  const subject = { operation: 'UpdateTenantAccounts', organization: customerId } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const customer = await getReachableOrganization(unit, { id: customerId, kind: 'customer' })
    const present = await findTenantOf(unit, customer)
    if (present) return changePolicy(dir, unit, { tenant: present, accounts })
    const row = { name: name ?? customer.name, orgIds: [] }
    const issues = checkNewTenant(row)
    if (issues.length > 0) throw toInvalid(issues)
    const tenant = await insertTenantOf(unit, dir, customer, row)
    return accounts === 'named' ? { tenant, jobId: null } : changePolicy(dir, unit, { tenant, accounts })
  })
}

async function findTenantOf(
  { tx }: Scope,
  customer: { pk: number; providerPk: number },
): Promise<Tenant | undefined> {
  const place = await selectTenantPlace(tx, customer.pk)
  return place && selectTenant(tx, customer.providerPk, place.id)
}

/**
 * Returns the tenant of a customer.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `tenant_not_found`, `store_unavailable`
 */
export function getCustomerTenant(dir: Directory, ctx: Context, customerId: string): Promise<Tenant> {
  return runRead(dir, ctx, 'GetCustomerTenant', async (scope) => {
    const customer = await getReachableOrganization(scope, { id: customerId, kind: 'customer' })
    const tenant = await findTenantOf(scope, customer)
    if (tenant) return tenant
    throw new DirectoryError('tenant_not_found', `The customer ${customerId} has no tenant.`)
  })
}

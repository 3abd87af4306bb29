import { diff } from '../model/audit.ts'
import { whereEqual } from '../model/conditions.ts'
import type { Context } from '../model/context.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newId, newTenantId } from '../model/ids.ts'
import type { Organization } from '../model/organizations.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import {
  type AccountPolicy,
  checkNewTenant,
  checkOrgIds,
  type NewTenant,
  type Tenant,
} from '../model/tenants.ts'
import {
  hasAccounts,
  markAccountsOfTenantRemoved,
  markLateAccountsRemoved,
} from '../store/accounts/changes.ts'
import { selectCustomerOfOrg } from '../store/tables/org-customers.ts'
import { insertOrganization, lockOrganization } from '../store/tables/organizations.ts'
import { selectTenantPage } from '../store/tables/tenant-lists.ts'
import {
  insertTenant,
  markTenantDeleted,
  replaceOrgs,
  selectPresentTenant,
  selectTenantByOrg,
  selectTenantOfCustomer,
  updateRenewedTenant,
} from '../store/tables/tenants.ts'
import type { Directory } from './directory.ts'
import { resolveTenantFilter, type TenantFilter } from './filters.ts'
import { getMainPlatform, settleMainPlatform } from './platforms.ts'
import {
  findTenantIncludingRemoved,
  getProviderPk,
  getReachableOrganization,
  getReachableTenant,
  type Scope,
} from './reach.ts'
import { changePolicy } from './tenant-policy.ts'
import { runRead, runUnit, type Unit } from './unit.ts'

/**
 * Creates a customer of the caller's provider with a tenant on the platform, and maps orgs to it. If an org belonged to
 * a customer whose tenant was deleted, that customer gets the tenant. If one of the orgs has a tenant already, returns
 * that tenant, with the other orgs mapped to it too: Cloud Director repeats onboarding after a failure.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `orgs_on_several_tenants`, `account_being_removed` while the
 *   customer's former tenant is being removed, `store_unavailable`
 */
export function createTenant(dir: Directory, ctx: Context, input: NewTenant): Promise<Tenant> {
  const subject = { operation: 'CreateTenant', issues: checkNewTenant(input) } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const orgIds = [...new Set(input.orgIds)]
    const existing = await findTenantOfOrgs(unit, dir, orgIds)
    if (existing) return addOrgs(unit, existing, orgIds)
    const { name } = input
    const customer =
      (await findFormerCustomer(unit, orgIds)) ??
      (await insertOrganization(unit.tx, {
        id: newId(),
        kind: 'customer',
        name,
        providerPk: getProviderPk(unit),
        now: unit.now,
      }))
    return insertTenantOf(unit, dir, customer, { name, orgIds })
  })
}

/** Maps those of the orgs to a tenant that are not mapped to it yet. They must be free. */
async function addOrgs(unit: Unit, tenant: Tenant, orgIds: readonly string[]): Promise<Tenant> {
  const { orgIds: before, organizationId: organization, id: target } = tenant
  const added = orgIds.filter((id) => !before.includes(id))
  if (added.length === 0) {
    await unit.audit({ outcome: 'repeated', organization, target })
    return tenant
  }
  const after = [...before, ...added]
  // Locks the tenant, so that it is not deleted at the same moment, which would keep the orgs mapped to it.
  await replaceOrgs(unit.tx, tenant, after)
  await unit.audit({ outcome: 'updated', organization, target, changes: [{ name: 'orgIds', before, after }] })
  return { ...tenant, orgIds: after }
}

/**
 * Finds the customer that one of the orgs last belonged to, if this customer has no tenant now, on any platform.
 */
async function findFormerCustomer(
  scope: Scope,
  orgIds: readonly string[],
): Promise<Organization | undefined> {
  for (const id of orgIds) {
    const customer = await selectCustomerOfOrg(scope.tx, getProviderPk(scope), id)
    if (customer && !(await selectPresentTenant(scope.tx, customer.pk))) return customer
  }
  return undefined
}

/**
 * Finds the deleted tenant that `createTenant` would replace for these orgs, while its accounts are being removed.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function findTenantBeingRemoved(
  dir: Directory,
  ctx: Context,
  orgIds: readonly string[],
): Promise<Tenant | undefined> {
  return runRead(dir, ctx, 'CreateTenant', async (scope) => {
    const customer = await findFormerCustomer(scope, orgIds)
    const platform = await getMainPlatform(scope.tx, dir)
    const former = customer && (await selectTenantOfCustomer(scope.tx, customer.pk, platform))
    return former && (await hasAccounts(scope.tx, former.tenant.pk)) ? former.tenant : undefined
  })
}

/**
 * Inserts the tenant of a customer. A customer has one row per platform, so a deleted tenant's row is used again.
 * @throws {DirectoryError} `tenant_exists`; `account_being_removed` while a former tenant is being removed
 */
export async function insertTenantOf(
  unit: Unit,
  dir: Directory,
  customer: Organization,
  { name, orgIds }: NewTenant,
): Promise<Tenant> {
  const { tx, now } = unit
  await lockOrganization(tx, customer.pk)
  const platform = await settleMainPlatform(tx, dir.platform, now)
  const present = await selectPresentTenant(tx, customer.pk)
  if (present) throw tenantExists(present, platform)
  const former = await selectTenantOfCustomer(tx, customer.pk, platform)
  if (former && (await hasAccounts(tx, former.tenant.pk))) throw beingRemoved()
  const row = { id: newTenantId(name), name, orgIds, now }
  const tenant = former
    ? await updateRenewedTenant(tx, former.tenant, row)
    : await insertTenant(tx, { ...row, organization: customer, platform })
  const changedFields = orgIds.length > 0 ? ['name', 'orgIds'] : ['name']
  await unit.audit({ outcome: 'created', organization: customer.id, target: tenant.id, changedFields })
  return tenant
}

function tenantExists(present: Pick<Tenant, 'id' | 'platform'>, main: string): DirectoryError {
  const message = `The customer has the tenant ${present.id} already`
  const advice = `it is on ${present.platform}, and usher tenant move moves it to ${main}`
  return new DirectoryError('tenant_exists', `${message}${present.platform === main ? '' : `: ${advice}`}.`)
}

function beingRemoved(): DirectoryError {
  const message = "The removal of the customer's former tenant is not finished; repeat the call."
  return new DirectoryError('account_being_removed', message)
}

/**
 * Returns the tenant that the orgs are mapped to, if any of them is mapped.
 * @throws {DirectoryError} `orgs_on_several_tenants`
 */
async function findTenantOfOrgs(
  scope: Scope,
  dir: Directory,
  orgIds: readonly string[],
): Promise<Tenant | undefined> {
  const provider = getProviderPk(scope)
  const prefer = await getMainPlatform(scope.tx, dir)
  let existing: Tenant | undefined
  for (const id of orgIds) {
    const tenant = await selectTenantByOrg(scope.tx, provider, { id, prefer })
    if (existing && tenant && tenant.pk !== existing.pk) throw severalTenants()
    existing ??= tenant
  }
  return existing
}

function severalTenants(): DirectoryError {
  const message = 'names orgs that are mapped to different tenants'
  return new DirectoryError('orgs_on_several_tenants', `orgIds ${message}`, {
    issues: [{ path: 'orgIds', rule: 'unique', message }],
  })
}

/**
 * Returns the tenant with this id.
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`, `store_unavailable`
 */
export async function getTenant(dir: Directory, ctx: Context, id: string): Promise<Tenant> {
  return runRead(dir, ctx, 'GetTenant', (scope) => getReachableTenant(scope, id))
}

/**
 * Lists a page of the tenants that match a filter, oldest first, including those without orgs.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function queryTenants(
  dir: Directory,
  ctx: Context,
  request: { filter: TenantFilter; page: PageRequest },
): Promise<Page<Tenant>> {
  return runRead(dir, ctx, 'QueryTenants', async (scope) => {
    const { filter, page } = request
    const prefer = await getMainPlatform(scope.tx, dir)
    const pk = await resolveTenantFilter(scope, { ...filter, prefer })
    if (pk === null) return { items: [], total: 0 }
    return selectTenantPage(scope.tx, { provider: getProviderPk(scope), where: whereEqual({ pk }) }, page)
  })
}

/**
 * Maps exactly these orgs to a tenant. Users and data of orgs that are no longer mapped stay.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `tenant_not_found`, `orgs_on_several_tenants`,
 *   `store_unavailable`
 */
export function updateTenant(
  dir: Directory,
  ctx: Context,
  request: { tenantId: string; orgIds: readonly string[] },
): Promise<Tenant> {
  const { tenantId: target, orgIds } = request
  const subject = { operation: 'UpdateTenant', target, issues: checkOrgIds(orgIds) } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const tenant = await getReachableTenant(unit, target)
    const after = [...new Set(orgIds)]
    const holder = await findTenantOfOrgs(unit, dir, after)
    if (holder && holder.pk !== tenant.pk) throw orgsElsewhere()
    const before = await replaceOrgs(unit.tx, tenant, after)
    const changes = diff({ orgIds: before }, { orgIds: after })
    const outcome = changes.length > 0 ? 'updated' : 'repeated'
    await unit.audit({ outcome, organization: tenant.organizationId, changes })
    return { ...tenant, orgIds: after }
  })
}

/** An org is mapped to one tenant at most: it must be unmapped from the other tenant first. */
function orgsElsewhere(): DirectoryError {
  const message = 'names an org that is mapped to another tenant'
  return new DirectoryError('orgs_on_several_tenants', `orgIds ${message}`, {
    issues: [{ path: 'orgIds', rule: 'unique', message }],
  })
}

/**
 * Deletes a tenant and unmaps its orgs. The customer stays, and can be given a new tenant. Repeating the call also
 * removes accounts that were created while the tenant was deleted.
 * @param request.purge whether accounts, credentials and data are removed too. If not, the tenant must have no accounts
 * @returns the tenant whose accounts the caller then waits for (see `Reconciler.settleTenant`); undefined if it never
 *   existed
 * @throws {DirectoryError} `not_permitted`, `tenant_not_empty`, `store_unavailable`
 */
export function deleteTenant(
  dir: Directory,
  ctx: Context,
  request: { tenantId: string; purge: boolean },
): Promise<Tenant | undefined> {
  return runUnit(dir, ctx, { operation: 'DeleteTenant', target: request.tenantId }, async (unit) => {
    const found = await findTenantIncludingRemoved(unit, request.tenantId)
    if (!found) return undefined
    const { tenant, deleted } = found
    if (deleted) {
      const { purge } = request
      const removed = await markLateAccountsRemoved(unit.tx, tenant.pk, { purge, now: unit.now })
      const changedFields = purge ? ['users', 'data'] : ['users']
      if (removed > 0)
        await unit.audit({ outcome: 'deleted', organization: tenant.organizationId, changedFields })
      return tenant
    }
    if (request.purge) await markAccountsOfTenantRemoved(unit.tx, tenant.pk, unit.now)
    else if (await hasAccounts(unit.tx, tenant.pk)) throw notEmpty()
    await markTenantDeleted(unit.tx, tenant.pk, unit.now)
    await unit.audit({
      outcome: 'deleted',
      organization: tenant.organizationId,
      changedFields: request.purge ? ['deletedAt', 'users', 'data'] : ['deletedAt'],
      changes: diff({ orgIds: tenant.orgIds }, { orgIds: [] }),
    })
    return tenant
  })
}

function notEmpty(): DirectoryError {
  const message = 'The tenant has users; delete them first, or purge it.'
  return new DirectoryError('tenant_not_empty', message)
}

/**
 * Gives an existing customer a tenant, so that its portal users and its Cloud Director users are the same people.
 * @param input.name the name of the tenant; the customer's name when left out
 * @param input.accounts who gets an account; those whom Cloud Director names when left out
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `tenant_exists`, `account_being_removed`
 *   while a former tenant is being removed, `orgs_on_several_tenants`, `store_unavailable`
 */
export function adoptCustomer(
  dir: Directory,
  ctx: Context,
  input: {
    customerId: string
    name: string | undefined
    orgIds: readonly string[]
    accounts?: AccountPolicy
  },
): Promise<Tenant> {
  const subject = { operation: 'CreateTenant', organization: input.customerId } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const customer = await getReachableOrganization(unit, { id: input.customerId, kind: 'customer' })
    const name = input.name ?? customer.name
    assertValid(checkNewTenant({ name, orgIds: input.orgIds }))
    const orgIds = [...new Set(input.orgIds)]
    if (await findTenantOfOrgs(unit, dir, orgIds)) throw orgsElsewhere()
    const tenant = await insertTenantOf(unit, dir, customer, { name, orgIds })
    if (input.accounts !== 'everyone') return tenant
    return (await changePolicy(dir, unit, { tenant, accounts: input.accounts })).tenant
  })
}

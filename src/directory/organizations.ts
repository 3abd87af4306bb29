import type { Context } from '../model/context.ts'
import { DirectoryError, toInvalid } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import {
  checkDomain,
  checkOrganizationName,
  foldDomain,
  type Organization,
  type OrganizationKind,
} from '../model/organizations.ts'
import {
  deleteOrganizationByPk,
  deletePortalByDomain,
  insertOrganization,
  insertPortal,
  insertRelation,
  isOrganizationInUse,
  type ListedPortal,
  lockOrganization,
  lockOrganizationsShared,
  selectOrganizations,
  selectPortalOwner,
  selectPortals,
} from '../store/tables/organizations.ts'
import type { Directory } from './directory.ts'
import { getClientOwner, getReachableOrganization } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

/** A reseller or customer to create. */
export interface NewOrganization {
  readonly kind: Exclude<OrganizationKind, 'provider'>
  readonly name: string
  /** The resellers that a customer is related to. */
  readonly resellerIds: readonly string[]
}

/**
 * Creates a reseller or a customer of the operator's provider from its name alone. For a company with its data, see
 * `createCustomer` and `createReseller`.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `reseller_not_found`, `store_unavailable`
 */
export function createOrganization(
  dir: Directory,
  ctx: Context,
  input: NewOrganization,
): Promise<Organization> {
  const operation = input.kind === 'customer' ? 'CreateCustomer' : 'CreateReseller'
  const subject = { operation, issues: checkOrganizationName(input.name) } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { kind, name } = input
    const id = newId()
    const providerPk = ctx.organization.providerPk
    const organization = await insertOrganization(unit.tx, { id, kind, name, providerPk, now: unit.now })
    for (const resellerId of input.resellerIds) {
      const reseller = await getReachableOrganization(unit, { id: resellerId, kind: 'reseller' })
      await lockOrganizationsShared(unit.tx, [reseller.pk])
      await insertRelation(unit.tx, organization.pk, { pk: reseller.pk, now: unit.now })
    }
    const changedFields = input.resellerIds.length > 0 ? ['name', 'kind', 'resellers'] : ['name', 'kind']
    await unit.audit({ outcome: 'created', organization: id, target: id, changedFields })
    return organization
  })
}

/**
 * Lists organizations, oldest first.
 * @param filter.after the primary key of the last organization of the page before; 0 for the first page
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listOrganizations(
  dir: Directory,
  ctx: Context,
  filter: { kind?: OrganizationKind | undefined; after: number; limit: number },
): Promise<Organization[]> {
  return runRead(dir, ctx, 'ListOrganizations', ({ tx }) => selectOrganizations(tx, filter))
}

/**
 * Deletes a reseller or a customer that has no portals, no tenant, and never had users or clients.
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `organization_not_empty`, `store_unavailable`
 */
export function deleteOrganization(dir: Directory, ctx: Context, id: string): Promise<void> {
  const subject = { operation: 'DeleteOrganization', organization: id, target: id } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { pk, id: target, kind } = await getReachableOrganization(unit, { id })
    if (kind === 'provider' || (await isOrganizationInUse(unit.tx, pk))) throw notEmpty()
    await deleteOrganizationByPk(unit.tx, pk)
    await unit.audit({ outcome: 'deleted', target })
  })
}

function notEmpty(): DirectoryError {
  const owned = 'The organization still has portals, a tenant or organizations below it'
  const message = `${owned}, or has had users or clients, which the audit log names.`
  return new DirectoryError('organization_not_empty', message)
}

/**
 * Gives a provider or a reseller a portal.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `organization_not_found`, `domain_taken`, `store_unavailable`
 */
export function createPortal(
  dir: Directory,
  ctx: Context,
  input: { domain: string; organizationId: string },
): Promise<{ domain: string }> {
  const issues = checkDomain(input.domain)
  const subject = { operation: 'CreatePortal', organization: input.organizationId, issues } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { pk, id, kind } = await getReachableOrganization(unit, { id: input.organizationId })
    if (kind === 'customer') throw customersHaveNoPortals()
    await lockOrganization(unit.tx, pk)
    const domain = foldDomain(input.domain)
    if (!(await insertPortal(unit.tx, { domain, organization: pk, now: unit.now })))
      throw new DirectoryError('domain_taken', `The domain ${domain} is a portal already.`)
    await unit.audit({ outcome: 'created', organization: id, target: domain, changedFields: ['domain'] })
    return { domain }
  })
}

function customersHaveNoPortals(): DirectoryError {
  const message = 'must be a provider or a reseller: customers have no portals'
  return toInvalid([{ path: 'organizationId', rule: 'kind', message }])
}

/**
 * Lists the portals that the caller may see, with their organizations, oldest first: those of a provider and of its
 * resellers, or those of the calling reseller.
 * @param request.organizationId only portals of this organization
 * @param request.after the primary key of the last portal of the page before
 * @param request.limit all when left out
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export function listPortals(
  dir: Directory,
  ctx: Context,
  request: { organizationId?: string | undefined; after?: number | undefined; limit?: number } = {},
): Promise<ListedPortal[]> {
  const { organizationId, ...page } = request
  return runRead(dir, ctx, 'ListPortals', async (scope) => {
    const own = ctx.organization
    const owner =
      organizationId === undefined
        ? own.kind === 'provider'
          ? undefined
          : own
        : await getClientOwner(scope, organizationId)
    return selectPortals(scope.tx, { ...page, providerPk: own.providerPk, ownerPk: owner?.pk })
  })
}

/**
 * Deletes a portal. Every process refuses calls through it within 5 s.
 * @param domain in any form that `foldDomain` takes
 * @throws {DirectoryError} `not_permitted`, `portal_not_found`, `store_unavailable`
 */
export function deletePortal(dir: Directory, ctx: Context, domain: string): Promise<void> {
  const target = foldDomain(domain)
  return runUnit(dir, ctx, { operation: 'DeletePortal', target }, async (unit) => {
    const owner = await selectPortalOwner(unit.tx, target)
    if (!(await deletePortalByDomain(unit.tx, target))) {
      throw new DirectoryError('portal_not_found', `There is no portal with the domain ${domain}.`)
    }
    await unit.audit({ outcome: 'deleted', organization: owner?.id ?? null })
  })
}

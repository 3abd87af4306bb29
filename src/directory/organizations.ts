import type { Context } from '../model/context.ts'
import { assertValid, DirectoryError } from '../model/error.ts'
import { newId } from '../model/ids.ts'
import {
  checkDomain,
  checkOrganizationName,
  foldDomain,
  type Organization,
  type OrganizationKind,
} from '../model/organizations.ts'
import {
  deletePortal as deletePortalRow,
  deleteOrganization as deleteRow,
  insertOrganization,
  insertPortal,
  insertRelation,
  isOrganizationInUse,
  selectOrganizations,
  selectPortalOwner,
  selectPortals,
} from '../store/tables/organizations.ts'
import type { Directory } from './directory.ts'
import { getReachableOrganization } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

export interface NewOrganization {
  readonly kind: Exclude<OrganizationKind, 'provider'>
  readonly name: string
  /** For a customer: the resellers that it is related to. */
  readonly resellerIds: readonly string[]
}

/**
 * Adds a reseller or a customer to the operator's provider.
 * @throws {DirectoryError} `invalid`, `reseller_not_found`, `store_unavailable`
 */
export function createOrganization(
  dir: Directory,
  ctx: Context,
  input: NewOrganization,
): Promise<Organization> {
  return runUnit(dir, ctx, { operation: 'CreateOrganization' }, async (unit) => {
    assertValid(checkOrganizationName(input.name))
    const { kind, name } = input
    const id = newId()
    const providerPk = ctx.organization.providerPk
    const organization = await insertOrganization(unit.tx, { id, kind, name, providerPk, now: unit.now })
    for (const resellerId of input.resellerIds) {
      const reseller = await getReachableOrganization(unit, { id: resellerId, kind: 'reseller' })
      await insertRelation(unit.tx, organization.pk, { pk: reseller.pk, now: unit.now })
    }
    const changedFields = input.resellerIds.length > 0 ? ['name', 'kind', 'resellers'] : ['name', 'kind']
    await unit.audit({ outcome: 'created', organization: id, target: id, changedFields })
    return organization
  })
}

/**
 * Relates a customer to a reseller, which from then on reaches it; repeating it changes nothing.
 * @throws {DirectoryError} `customer_not_found`, `reseller_not_found`, `store_unavailable`
 */
export function relateOrganization(
  dir: Directory,
  ctx: Context,
  input: { customerId: string; resellerId: string },
): Promise<void> {
  const subject = { operation: 'RelateOrganization', organization: input.customerId } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const customer = await getReachableOrganization(unit, { id: input.customerId, kind: 'customer' })
    const reseller = await getReachableOrganization(unit, { id: input.resellerId, kind: 'reseller' })
    await insertRelation(unit.tx, customer.pk, { pk: reseller.pk, now: unit.now })
    await unit.audit({
      outcome: 'related',
      organization: customer.id,
      target: reseller.id,
      changedFields: ['resellers'],
    })
  })
}

/** Organizations in the order of their creation, from after the one with key `after`. */
export function listOrganizations(
  dir: Directory,
  ctx: Context,
  filter: { kind?: OrganizationKind | undefined; after: number; limit: number },
): Promise<Organization[]> {
  return runRead(dir, ctx, 'ListOrganizations', ({ tx }) => selectOrganizations(tx, filter))
}

/**
 * Removes an organization that nothing belongs to any more.
 * @throws {DirectoryError} `organization_not_found`, `organization_not_empty`
 */
export function deleteOrganization(dir: Directory, ctx: Context, id: string): Promise<void> {
  return runUnit(
    dir,
    ctx,
    { operation: 'DeleteOrganization', organization: id, target: id },
    async (unit) => {
      const organization = await getReachableOrganization(unit, { id })
      if (organization.kind === 'provider' || (await isOrganizationInUse(unit.tx, organization.pk))) {
        const message =
          'The organization still has portals, a tenant or organizations below it, or has had users or clients, of which the audit log speaks.'
        throw new DirectoryError('organization_not_empty', message)
      }
      await deleteRow(unit.tx, organization.pk)
      await unit.audit({ outcome: 'deleted', target: organization.id })
    },
  )
}

/**
 * Gives a provider or reseller a portal domain.
 * @throws {DirectoryError} `invalid`, `organization_not_found`, `domain_taken`
 */
export function createPortal(
  dir: Directory,
  ctx: Context,
  input: { domain: string; organizationId: string },
): Promise<{ domain: string }> {
  return runUnit(
    dir,
    ctx,
    { operation: 'CreatePortal', organization: input.organizationId },
    async (unit) => {
      assertValid(checkDomain(input.domain))
      const organization = await getReachableOrganization(unit, { id: input.organizationId })
      if (organization.kind === 'customer') {
        const message = 'must be a provider or a reseller: customers have no portals'
        throw new DirectoryError('invalid', `organization ${message}`, {
          issues: [{ path: 'organizationId', rule: 'kind', message }],
        })
      }
      const domain = foldDomain(input.domain)
      if (!(await insertPortal(unit.tx, { domain, organization: organization.pk, now: unit.now }))) {
        throw new DirectoryError('domain_taken', `The domain ${domain} is a portal already.`)
      }
      await unit.audit({
        outcome: 'created',
        organization: organization.id,
        target: domain,
        changedFields: ['domain'],
      })
      return { domain }
    },
  )
}

export function listPortals(dir: Directory, ctx: Context): ReturnType<typeof selectPortals> {
  return runRead(dir, ctx, 'ListPortals', ({ tx }) => selectPortals(tx))
}

/** @throws {DirectoryError} `portal_not_found` */
export function deletePortal(dir: Directory, ctx: Context, domain: string): Promise<void> {
  return runUnit(dir, ctx, { operation: 'DeletePortal', target: domain }, async (unit) => {
    const owner = await selectPortalOwner(unit.tx, foldDomain(domain))
    if (!(await deletePortalRow(unit.tx, foldDomain(domain)))) {
      throw new DirectoryError('portal_not_found', `There is no portal with the domain ${domain}.`)
    }
    await unit.audit({ outcome: 'deleted', organization: owner?.id ?? null })
  })
}

import type { Context } from '../model/context.ts'
import type { Organization } from '../model/organizations.ts'
import { toSearchWords } from '../model/user-lists.ts'
import { type ExplainedTenant, selectExplainedTenant } from '../store/accounts/explained.ts'
import {
  type FoundOrganization,
  type ListedOrganization,
  selectFoundOrganizationByPk,
  selectOrganizationExtras,
  selectOrganizationPage,
  selectUserCounts,
} from '../store/find/organizations.ts'
import { selectDomainsOf, selectResellersOf } from '../store/tables/relations.ts'
import type { Directory } from './directory.ts'
import { catchUpLists } from './list-follower.ts'
import { getReachableOrganization, getReseller } from './reach.ts'
import { runRead } from './unit.ts'

/** Which organizations to list. */
export interface OrganizationSearch {
  /** Words that are all in the name, compared without case. */
  readonly search?: string | undefined
  readonly kind?: 'reseller' | 'customer' | undefined
  /** Only customers that are related to this reseller. */
  readonly resellerId?: string | undefined
  readonly after?: { readonly key: string; readonly pk: number } | undefined
  readonly limit: number
}

/** A row of a list of organizations. */
export interface OrganizationRow extends ListedOrganization {
  /** The live users in reach. */
  readonly users: number
  /** The resellers of a customer; a reseller sees itself alone. */
  readonly resellers: readonly Pick<Organization, 'id' | 'name'>[]
  readonly tenant: { readonly id: string; readonly platform: string } | null
  /** The domains of its portals. */
  readonly portals: readonly string[]
}

/**
 * Lists the resellers and customers in reach by name: a provider's own, or a reseller and its customers.
 * @returns one more than `limit`, if there are more
 * @throws {DirectoryError} `not_permitted`, `reseller_not_found`, `reseller_not_own`, `store_unavailable`
 */
export async function searchOrganizations(
  dir: Directory,
  ctx: Context,
  { search = '', kind, resellerId, after, limit }: OrganizationSearch,
): Promise<OrganizationRow[]> {
  return runRead(dir, ctx, 'ListCustomers', async (scope) => {
    const { tx } = scope
    const own = ctx.organization
    const reseller = await getReseller(scope, { id: resellerId })
    const area = { providerPk: own.providerPk, ownPk: reseller?.pk }
    const some = resellerId === undefined ? (['reseller', 'customer'] as const) : (['customer'] as const)
    const kinds = some.filter((one) => (kind ?? one) === one)
    const page = { kinds, words: toSearchWords(search), after, limit: limit + 1 }
    const found = await selectOrganizationPage(tx, area, page)
    const pks = found.map(({ pk }) => pk)
    const ownPk = own.kind === 'provider' ? undefined : own.pk
    const counts = await selectUserCounts(tx, pks, ownPk)
    const extrasOf = await selectOrganizationExtras(tx, pks, ownPk)
    return found.map((one) => ({ ...one, users: counts.get(one.pk) ?? 0, ...extrasOf(one.pk) }))
  })
}

/** One organization with what its page shows. */
export interface OrganizationOverview extends FoundOrganization {
  readonly users: number
  readonly tenant: ExplainedTenant | null
  /** The resellers of a customer; a reseller sees itself alone. */
  readonly resellers: readonly Pick<Organization, 'id' | 'name'>[]
  /** The domains of its portals. */
  readonly portals: readonly string[]
}

/**
 * Returns an organization in reach.
 * @throws {DirectoryError} `not_permitted`, `organization_not_found`, `store_unavailable`
 */
export async function getOrganizationOverview(
  dir: Directory,
  ctx: Context,
  id: string,
): Promise<OrganizationOverview> {
  await catchUpLists(dir)
  return runRead(dir, ctx, 'GetCustomer', async (scope) => {
    const { tx } = scope
    const { pk } = await getReachableOrganization(scope, { id })
    const found = (await selectFoundOrganizationByPk(tx, pk)) as FoundOrganization
    const own = ctx.organization
    const reseller = own.kind === 'reseller' ? own.pk : undefined
    const related = found.kind === 'customer' ? await selectResellersOf(tx, pk) : []
    return {
      ...found,
      users: (await selectUserCounts(tx, [pk], reseller)).get(pk) ?? 0,
      tenant: (await selectExplainedTenant(tx, pk)) ?? null,
      resellers: related.filter((one) => own.kind === 'provider' || one.pk === own.pk),
      portals: await selectDomainsOf(tx, pk),
    }
  })
}

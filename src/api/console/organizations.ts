import type { Directory } from '../../directory/directory.ts'
import { getOrganizationOverview, searchOrganizations } from '../../directory/organization-overviews.ts'
import { listPortals } from '../../directory/organizations.ts'
import { renameCustomer, toNameState } from '../../directory/rename.ts'
import { resumeCustomer, suspendCustomer } from '../../directory/suspension.ts'
import { fromState } from '../etag.ts'
import type { Route } from '../route.ts'
import * as contract from './contract/organizations.ts'
import * as portals from './contract/portals.ts'
import { serve } from './operation.ts'
import { readPage, toNext } from './paging.ts'

/** What the operations on organizations need. */
export interface OrganizationParts {
  readonly dir: Directory
}

/** The operations on organizations and portals. */
export const organizationRoutes: readonly Route<OrganizationParts>[] = [
  serve(contract.listOrganizations, async ({ ctx, query }, { dir }: OrganizationParts) => {
    const { q, kind, reseller, ...page } = query
    const filters = { organizations: [ctx.organization.id, q, kind, reseller] }
    const { after, limit } = readPage(page, filters, ['text', 'number'])
    const place = after && { key: String(after[0]), pk: Number(after[1]) }
    const found = await searchOrganizations(dir, ctx, {
      ...{ search: q, kind, resellerId: reseller, after: place, limit },
    })
    const shown = found.slice(0, limit)
    const last = found.length > limit ? shown.at(-1) : undefined
    const items = shown.map(({ id, name, kind: own, state, users, resellers, tenant, portals }) => {
      return { id, name, kind: own, state, users, resellers, tenant, portals }
    })
    return { items, next: toNext(last && [last.nameKey, last.pk], filters) }
  }),
  serve(contract.getOrganization, async ({ ctx, params }, { dir }: OrganizationParts) => {
    const { pk: _, providerPk: __, ...found } = await getOrganizationOverview(dir, ctx, params.id)
    return {
      ...found,
      etag: fromState(toNameState(found)),
      resellers: found.resellers.map(({ id, name }) => ({ id, name })),
    }
  }),
  serve(contract.renameCustomer, async ({ ctx, params, body, expected }, { dir }: OrganizationParts) => {
    const renamed = await renameCustomer(dir, ctx, { customerId: params.id, name: body.name, expected })
    return { ...renamed, etag: fromState(toNameState(renamed)) }
  }),
  serve(contract.suspendCustomer, ({ ctx, params }, { dir }: OrganizationParts) =>
    suspendCustomer(dir, ctx, params.id),
  ),
  serve(contract.resumeCustomer, ({ ctx, params }, { dir }: OrganizationParts) =>
    resumeCustomer(dir, ctx, params.id),
  ),
  serve(portals.listPortals, async ({ ctx, query }, { dir }: OrganizationParts) => {
    const { organization, ...page } = query
    const filters = { portals: [ctx.organization.id, organization] }
    const { after, limit } = readPage(page, filters, ['number'])
    const found = await listPortals(dir, ctx, {
      ...{ organizationId: organization, after: after && Number(after[0]), limit: limit + 1 },
    })
    const shown = found.slice(0, limit)
    const last = found.length > limit ? shown.at(-1) : undefined
    const items = shown.map(({ domain, organizationId: id, organizationName: name, kind }) => {
      return { domain, organization: { id, name, kind } }
    })
    return { items, next: toNext(last && [last.pk], filters) }
  }),
]

import { listAuditLogs } from '../../directory/audit-logs.ts'
import type { Directory } from '../../directory/directory.ts'
import { getOrganizationOverview, searchOrganizations } from '../../directory/organization-overviews.ts'
import { toUtc } from '../../model/times.ts'
import type { Route } from '../route.ts'
import * as contract from './contract/organizations.ts'
import { toEntry } from './find.ts'
import { serve } from './operation.ts'
import { readPage, toNext } from './paging.ts'

/** What the operations on organizations and on the audit log need. */
export interface OrganizationParts {
  readonly dir: Directory
}

/** The operations on organizations and on the audit log. */
export const organizationRoutes: readonly Route<OrganizationParts>[] = [
  serve(contract.listOrganizations, async ({ ctx, query }, { dir }: OrganizationParts) => {
    const { q, kind, ...page } = query
    const filters = { organizations: [ctx.organization.id, q, kind] }
    const { after, limit } = readPage(page, filters, ['text', 'number'])
    const place = after && { key: String(after[0]), pk: Number(after[1]) }
    const found = await searchOrganizations(dir, ctx, { search: q, kind, after: place, limit })
    const shown = found.slice(0, limit)
    const last = found.length > limit ? shown.at(-1) : undefined
    const items = shown.map(({ id, name, kind: own, state, users }) => ({
      id,
      name,
      kind: own,
      state,
      users,
    }))
    return { items, next: toNext(last && [last.nameKey, last.pk], filters) }
  }),
  serve(contract.getOrganization, async ({ ctx, params }, { dir }: OrganizationParts) => {
    const { pk: _, providerPk: __, ...found } = await getOrganizationOverview(dir, ctx, params.id)
    return { ...found, resellers: found.resellers.map(({ id, name }) => ({ id, name })) }
  }),
  serve(contract.listAudit, async ({ ctx, query }, { dir }: OrganizationParts) => {
    const { operation, status, customer, since, until, ...page } = query
    const filters = { audit: [ctx.organization.id, operation, status, customer, since, until] }
    const { after, limit } = readPage(page, filters, ['number'])
    const offset = Number(after?.[0] ?? 0)
    const { items } = await listAuditLogs(dir, ctx, {
      ...{ from: since && toUtc(since), to: until && toUtc(until), status, customerName: customer },
      operations: operation === undefined ? undefined : [operation],
      page: { offset, limit: limit + 1 },
    })
    const shown = items.slice(0, limit)
    return {
      items: shown.map(toEntry),
      next: toNext(items.length > limit ? [offset + limit] : undefined, filters),
    }
  }),
]

import { walkAuditLogs } from '../../directory/audit-walks.ts'
import type { Directory } from '../../directory/directory.ts'
import { toUtc } from '../../model/times.ts'
import type { Route } from '../route.ts'
import * as contract from './contract/audit.ts'
import { toEntry } from './entries.ts'
import { serve } from './operation.ts'
import { readPage, toNext } from './paging.ts'

/** What the operations on the audit log need. */
export interface AuditParts {
  readonly dir: Directory
}

/** The operations on the audit log. */
export const auditRoutes: readonly Route<AuditParts>[] = [
  serve(contract.listAudit, async ({ ctx, query }, { dir }: AuditParts) => {
    const { after, limit, ...asked } = query
    const filters = { audit: [ctx.organization.id, asked] }
    const page = readPage(
      { ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) },
      filters,
      ['text', 'number'],
    )
    const { operation, status, outcome, caller, target, customer, since, until } = asked
    const { items, next, partial } = await walkAuditLogs(dir, ctx, {
      ...{ from: since && toUtc(since), to: until && toUtc(until), status, customerName: customer },
      ...{ outcome, caller, target, organizationId: asked.organization, limit: page.limit },
      operations: operation === undefined ? undefined : [operation],
      after: page.after && { at: String(page.after[0]), number: Number(page.after[1]) },
    })
    return { items: items.map(toEntry), next: toNext(next && [next.at, next.number], filters), partial }
  }),
]

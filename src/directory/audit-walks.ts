import type { Context } from '../model/context.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { type LogPlace, type LogWalkPage, selectLogWalk } from '../store/audit/log-walks.ts'
import { type DescribedEntry, describeEntries } from './audit-entries.ts'
import { type AuditLogRequest, toInterval, toOperation } from './audit-logs.ts'
import type { Directory } from './directory.ts'
import { getReseller } from './reach.ts'
import { runRead } from './unit.ts'

/** Which entries a caller asks for, and where the page begins. */
export interface AuditWalkRequest
  extends Pick<AuditLogRequest, 'from' | 'to' | 'operations' | 'status' | 'customerName'> {
  readonly outcome?: string | undefined
  /** The id of a client or a person, or `operator`. */
  readonly caller?: string | undefined
  /** An id or an access key. */
  readonly target?: string | undefined
  readonly organizationId?: string | undefined
  readonly after?: LogPlace | undefined
  readonly limit: number
}

/**
 * Lists the entries of the audit log that the context may see, as `listAuditLogs` does, from a place on and without a
 * total. One call looks at a limited number of entries, so a page may have few although there are more.
 * @throws {DirectoryError} `not_permitted`, `invalid` if `from` is after `to`, `store_unavailable`
 */
export function walkAuditLogs(
  dir: Directory,
  ctx: Context,
  request: AuditWalkRequest,
): Promise<Omit<LogWalkPage, 'items'> & { readonly items: readonly DescribedEntry[] }> {
  return runRead(dir, ctx, 'ListAuditLogs', async (scope) => {
    const time = toInterval(request, dir.now())
    const reseller = (await getReseller(scope, { id: undefined })) ?? undefined
    const { status, customerName, outcome, target, organizationId: organization, caller } = request
    const { providerPk } = ctx.organization
    const filter = {
      ...{ providerPk, reseller, ...time, status, customerName, outcome, target, organization },
      operations: request.operations?.map(toOperation),
      callers: caller === undefined ? undefined : toCallers(caller),
    }
    const { after, limit } = request
    const { items, ...page } = await selectLogWalk(scope.tx, { filter, after, limit })
    const reader = { providerPk, reseller }
    return { items: await describeEntries(dir, scope.tx, { reader, entries: items }), ...page }
  })
}

/** Returns the callers that an id may stand for, as the log stores them. */
function toCallers(id: string): string[] {
  if (id === 'operator') return [formatCaller({ kind: 'operator' })]
  return (['client', 'person'] as const).map((kind) => formatCaller({ kind, id }))
}

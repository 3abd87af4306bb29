import { setImmediate as letOthersRun } from 'node:timers/promises'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { type LogPlace, type LogWalkPage, selectLogWalk } from '../store/audit/log-walks.ts'
import { selectFoundOrganization } from '../store/find/organizations.ts'
import { type DescribedEntry, describeEntries, toLogReader } from './audit-entries.ts'
import { type AuditLogRequest, toInterval, toOperation } from './audit-logs.ts'
import type { Directory } from './directory.ts'
import { isReachable, type Scope } from './reach.ts'
import { runRead, runUnit } from './unit.ts'

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

/** A page of entries, newest first; see `LogWalkPage`. */
type AuditWalkPage = Omit<LogWalkPage, 'items'> & { readonly items: readonly DescribedEntry[] }

/**
 * Lists the entries of the audit log that the context may see, as `listAuditLogs` does, from a place on and without a
 * total. One call looks at a limited number of entries, so a page may have few although there are more.
 * @throws {DirectoryError} `not_permitted`, `invalid` if `from` is after `to`, `organization_not_found`,
 *   `store_unavailable`
 */
export function walkAuditLogs(
  dir: Directory,
  ctx: Context,
  request: AuditWalkRequest,
): Promise<AuditWalkPage> {
  return runRead(dir, ctx, 'ListAuditLogs', (scope) => walk(dir, scope, request))
}

/** The number of entries of an export that are in memory at once. */
const EXPORT_PAGE = 200

/**
 * Reads all entries that `walkAuditLogs` lists, up to the time of the call, newest first. The export itself is recorded
 * before the first of them is read.
 * @returns pages of entries; each page is read from one snapshot
 * @throws {DirectoryError} `not_permitted`, `invalid` if `from` is after `to`, `organization_not_found`,
 *   `store_unavailable`
 */
export async function* exportAuditLogs(
  dir: Directory,
  ctx: Context,
  request: Omit<AuditWalkRequest, 'after' | 'limit'>,
): AsyncGenerator<readonly DescribedEntry[]> {
  const time = await runUnit(dir, ctx, { operation: 'ExportAudit' }, async (unit) => {
    const interval = toInterval(request, new Date(unit.now))
    await assertOrganization(unit, request.organizationId)
    await unit.audit({ outcome: 'exported' })
    return interval
  })
  for (let after: LogPlace | undefined; ; ) {
    const asked = { ...request, ...time, after, limit: EXPORT_PAGE }
    const { items, next } = await runRead(dir, ctx, 'ExportAudit', (scope) => walk(dir, scope, asked))
    if (items.length > 0) yield items
    if (!next) return
    after = next
    // SQLite reads on the thread that serves everyone.
    await letOthersRun()
  }
}

async function walk(dir: Directory, scope: Scope, request: AuditWalkRequest): Promise<AuditWalkPage> {
  const time = toInterval(request, dir.now())
  const { status, customerName, outcome, target, organizationId: organization, caller } = request
  await assertOrganization(scope, organization)
  const reader = toLogReader(scope.ctx)
  const filter = {
    ...{ ...reader, ...time, status, customerName, outcome, target, organization },
    operations: request.operations?.map(toOperation),
    callers: caller === undefined ? undefined : toCallers(caller),
  }
  const { after, limit } = request
  const { items, ...page } = await selectLogWalk(scope.tx, { filter, after, limit })
  return { items: await describeEntries(dir, scope.tx, { reader, entries: items }), ...page }
}

/**
 * Checks that an organization to filter by is in reach: one out of reach looks as if it did not exist. Entries about a
 * deleted one stay readable.
 */
async function assertOrganization(scope: Scope, id: string | undefined): Promise<void> {
  if (id === undefined) return
  const found = await selectFoundOrganization(scope.tx, foldId(id))
  const isWithin = await isReachable(scope, found)
  if (found && isWithin) return
  throw new DirectoryError('organization_not_found', `There is no organization with the id ${id}.`)
}

/** Returns the callers that an id may stand for, as the log stores them. */
function toCallers(id: string): string[] {
  if (id === 'operator') return [formatCaller({ kind: 'operator' })]
  return (['client', 'person'] as const).map((kind) => formatCaller({ kind, id }))
}

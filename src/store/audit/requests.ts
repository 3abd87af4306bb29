import { type RawBuilder, sql } from 'kysely'
import type { AuditStatus } from '../../model/audit.ts'
import { listSpellings } from '../../model/ids.ts'
import type { Tx } from '../port.ts'
import { query } from '../raw-query.ts'
import { selectIndexRows } from './index-rows.ts'
import { isOf, type LogReader } from './log-names.ts'
import { type IndexRow, type NumberedLogEntry, STATUS, selectEntries } from './logs.ts'
import { findTail } from './tail.ts'

/**
 * Returns the condition on rows `i` of the index that a reader may see them: a reseller sees what happened in its
 * context, and what happened in none to its customers.
 */
export function isSeenBy(reseller: LogReader['reseller']): RawBuilder<unknown> {
  return reseller
    ? sql`(i.reseller = ${reseller.id} or (i.reseller is null and exists (
        select 1 from organizations where organizations.id = i.customer and ${isOf(reseller.pk)})))`
    : sql`1 = 1`
}

/** An entry of a request. */
export interface RequestEntry extends NumberedLogEntry {
  /** Whether the call was refused. A call that was not may still fail on the platform. */
  readonly isRefused: boolean
}

/**
 * Returns the entries with a correlation id that a reader may see, in the order of the log, at most `limit`. The status
 * of an entry is worked out as in lists: one about an account succeeds once its platform has the account.
 */
export async function selectEntriesOfRequest(
  tx: Tx,
  { providerPk, reseller }: LogReader,
  { correlationId, limit }: { readonly correlationId: string; readonly limit: number },
): Promise<RequestEntry[]> {
  const tail = await findTail(tx)
  // The index also has the entries about an organization with this id, which may be very many.
  const indexed = sql`select * from (select entry_pk from audit_ids where id = ${correlationId.toLowerCase()}
    order by entry_pk limit ${limit}) as indexed`
  const newest = tail && sql`select entry.pk from audit_entries as entry where ${tail.reaching}`
  const keys = newest ? sql`${indexed} union all ${newest}` : indexed
  const spellings = sql.join(listSpellings(correlationId))
  const entries = selectIndexRows(sql`entry.pk in (${keys}) and entry.correlation_id in (${spellings})`)
  const seen = isSeenBy(reseller)
  const rows = await query<IndexRow & { readonly recorded: AuditStatus }>(
    tx,
    sql`select i.entry_pk, i.status as recorded, ${STATUS} as status, i.customer, i.reseller from (${entries}) as i
      where i.provider_pk = ${providerPk} and ${seen} order by i.entry_pk limit ${limit}`,
  )
  const found = await selectEntries(tx, rows)
  return found.map((entry, i) => ({ ...entry, isRefused: rows[i]?.recorded === 'Failed' }))
}
